// The browser's own camera: JPEGs over the WebSocket, one under way at a time.

const WIDTH = 640;
const HEIGHT = 480;
const QUALITY = 0.7;

// Asks for the camera, and returns a sender: `send(socket)` sends the next frame, `image` is the
// last one sent, `sentAt` when it was taken.
export async function openCamera() {
  if (!navigator.mediaDevices) {
    throw new Error("browsers give it to localhost and HTTPS alone; from another machine use ssh -L");
  }
  const wanted = { video: { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, facingMode: "user" } };
  const video = document.createElement("video");
  video.srcObject = await navigator.mediaDevices.getUserMedia(wanted);
  video.muted = video.playsInline = true;
  await video.play();
  const canvas = document.createElement("canvas");
  const sender = { image: canvas, sentAt: 0 };
  sender.send = async (socket) => {
    const scale = Math.min(1, WIDTH / video.videoWidth, HEIGHT / video.videoHeight);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    sender.sentAt = performance.now();
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    if (socket.readyState === WebSocket.OPEN) socket.send(jpeg);
  };
  return sender;
}
