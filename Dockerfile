# The page in a container, with the browser's camera. What it keeps goes into /kept.
FROM python:3.13-slim
COPY requirements-page.txt /app/
RUN pip install --no-cache-dir -r /app/requirements-page.txt "numpy>=2.0,<3" "opencv-python-headless>=4.12,<5"
COPY realtime.py /app/
COPY common /app/common
COPY webcam /app/webcam
COPY page /app/page
COPY pretrained /app/pretrained
COPY samples /app/samples
WORKDIR /kept
EXPOSE 8000
CMD ["python", "/app/realtime.py", "--page", "8000", "--host", "0.0.0.0", "--source", "browser"]
