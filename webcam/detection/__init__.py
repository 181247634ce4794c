"""Find the faces in a gray frame with Haar cascades or YuNet."""
