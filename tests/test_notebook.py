"""The notebook runs from its first cell to its last."""

import shutil

import pytest
from support.scripts import ROOT

nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient")


@pytest.mark.slow
def test_the_notebook_names_the_face_and_plots_the_video(tmp_path):
    for name in ("common", "webcam", "pretrained", "samples", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "realtime.py", tmp_path)
    notebook = nbformat.read(tmp_path / "docs/notebook.ipynb", as_version=4)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or not cell.outputs, "it is kept without outputs"
    where = {"metadata": {"path": str(tmp_path / "docs")}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    _, picture, made, video, plot, own = (
        cell.outputs for cell in notebook.cells if cell.cell_type == "code"
    )
    assert "happiness" in picture[0].data["text/plain"] and "image/png" in picture[1].data
    said = "".join(output.text for output in made)
    assert "390 frames" in said and "wrote notebook.csv" in said
    assert "<video" in video[0].data["text/html"] and "image/png" in plot[-1].data
    assert "--page --source browser" in own[0].text
