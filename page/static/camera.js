// The browser's own camera. It sends JPEGs over the WebSocket, one at a time.

const WIDTH = 640;
const HEIGHT = 480;
const QUALITY = 0.7;
const PATIENCE = 200; // milliseconds to wait for a new frame. A hidden page gets no frames

// A camera with the user's permission. Calls `onend` when the camera disappears.
export class Camera {
  constructor(video, onend) {
    this.video = video;
    this.busy = false; // taking and sending a frame
    this.sentAt = 0;
    this.sent = document.createElement("canvas"); // the frame on its way to the server
    this.answered = document.createElement("canvas"); // the last frame with known faces
    video.srcObject.getVideoTracks()[0].onended = onend;
  }

  static async open(onend) {
    if (!navigator.mediaDevices) {
      throw new Error("browsers only allow it on localhost and HTTPS; from another machine, use ssh -L");
    }
    const wanted = { width: { ideal: WIDTH }, height: { ideal: HEIGHT }, facingMode: "user" };
    const video = document.createElement("video");
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
    video.muted = video.playsInline = true;
    await video.play();
    return new Camera(video, onend);
  }

  // Sends the next new frame. Returns whether it was sent.
  async send(socket) {
    if (this.busy) return false;
    this.busy = true;
    const { video, sent } = this;
    await Promise.race([
      new Promise((done) => video.requestVideoFrameCallback?.(done) ?? done()),
      new Promise((done) => setTimeout(done, PATIENCE)),
    ]);
    const scale = Math.min(1, WIDTH / video.videoWidth, HEIGHT / video.videoHeight);
    sent.width = Math.round(video.videoWidth * scale);
    sent.height = Math.round(video.videoHeight * scale);
    this.sentAt = performance.now();
    sent.getContext("2d").drawImage(video, 0, 0, sent.width, sent.height);
    const jpeg = await new Promise((done) => sent.toBlob(done, "image/jpeg", QUALITY));
    const open = jpeg !== null && socket.readyState === WebSocket.OPEN;
    if (open) socket.send(jpeg);
    this.busy = false;
    return open;
  }

  // Notes that the faces of the sent frame have arrived. Returns the milliseconds since it was sent.
  answer() {
    [this.sent, this.answered] = [this.answered, this.sent];
    return performance.now() - this.sentAt;
  }

  close() {
    this.video.srcObject.getTracks().forEach((track) => track.stop());
  }
}
