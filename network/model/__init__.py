"""The network: its layers, its optimizer, its export."""
