"""Where the faces of a gray frame are: Haar cascades or YuNet."""
