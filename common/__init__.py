"""What every script and room needs: one way to fail, progress. Standard library; tqdm, late."""
