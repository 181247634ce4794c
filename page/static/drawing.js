// Boxes and labels over the picture, and the strip of a face's last 30 seconds.

const STRIP_SECONDS = 30;

// Draws the picture, if there is one, and the faces of a message into a canvas. A picture has an
// image, the degrees to turn it clockwise, and whether to flip it afterwards.
export function drawFrame(canvas, picture, message, setup) {
  // A small video gets fine lines too, and no canvas is too tall for browsers
  const scale = Math.min(Math.max(1, 960 / message.width), 4096 / message.height);
  canvas.width = message.width * scale;
  canvas.height = message.height * scale;
  document.documentElement.style.setProperty("--ratio", message.width / message.height);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  if (picture) {
    const across = picture.turn % 180 !== 0;
    const [width, height] = across ? [message.height, message.width] : [message.width, message.height];
    pen.save();
    pen.translate(message.width / 2, message.height / 2);
    pen.scale(picture.flip ? -1 : 1, 1);
    pen.rotate((picture.turn * Math.PI) / 180);
    pen.drawImage(picture.image, -width / 2, -height / 2, width, height);
    pen.restore();
  }
  for (const face of message.faces) drawFace(pen, face, message, setup);
}

function indexOf(emotion, setup) {
  return setup.emotions.indexOf(emotion) % setup.colors.length;
}

export function colorOf(emotion, setup) {
  return setup.colors[indexOf(emotion, setup)];
}

// Returns a face's label and its percentage. An unsure label has a question mark.
export function labelOf(face, setup) {
  const sure = face.probabilities[face.label];
  return [face.label + (sure < setup.unsure ? "?" : ""), percent(sure)];
}

export function percent(probability) {
  return `${Math.round(100 * probability)}%`;
}

function drawFace(pen, face, message, setup) {
  const color = colorOf(face.label, setup);
  const [x, y, side] = face.box;
  const line = Math.max(1.5, message.height / 260);
  pen.save();
  pen.globalAlpha = face.found ? 1 : 0.4;
  pen.translate(x + side / 2, y + side / 2);
  pen.rotate((face.tilt * Math.PI) / 180);
  pen.lineWidth = line + 2;
  pen.strokeStyle = "rgb(0 0 0 / .55)";
  roundedBox(pen, side);
  pen.lineWidth = line;
  pen.strokeStyle = color;
  roundedBox(pen, side);
  pen.restore();
  drawLabel(pen, face, message, color, setup);
}

function roundedBox(pen, side) {
  pen.beginPath();
  pen.roundRect(-side / 2, -side / 2, side, side, side / 14);
  pen.stroke();
}

function drawLabel(pen, face, message, color, setup) {
  const [x, y, side] = face.box;
  const size = Math.max(message.height / 32, Math.min(side / 8, message.height / 24));
  const number = message.faces.length > 1 ? `${face.track_id}  ` : "";
  const text = number + labelOf(face, setup).join(" ");
  pen.save();
  pen.globalAlpha = face.found ? 1 : 0.5;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const width = pen.measureText(text).width + size;
  const tall = 1.5 * size;
  const left = Math.max(0, Math.min(x, message.width - width));
  const above = y - tall - size / 4;
  const top = above >= 0 ? above : Math.min(y + side + size / 4, message.height - tall);
  pen.fillStyle = color;
  pen.beginPath();
  pen.roundRect(left, top, width, tall, tall / 2);
  pen.fill();
  pen.fillStyle = setup.inks[indexOf(face.label, setup)];
  pen.textBaseline = "middle";
  pen.fillText(text, left + size / 2, top + tall / 2);
  pen.restore();
}

// Draws the probabilities of a face as stacked areas. `history` holds [seconds, probabilities].
export function drawStrip(canvas, history, colors) {
  const width = (canvas.width = canvas.clientWidth * devicePixelRatio);
  const height = (canvas.height = canvas.clientHeight * devicePixelRatio);
  const pen = canvas.getContext("2d");
  const now = history.at(-1)[0];
  const across = (seconds) => width * (1 - (now - seconds) / STRIP_SECONDS);
  const below = history.map(() => 0);
  colors.forEach((color, emotion) => {
    pen.beginPath();
    history.forEach(([seconds], n) => pen.lineTo(across(seconds), height * (1 - below[n])));
    for (let n = history.length - 1; n >= 0; n--) {
      below[n] += history[n][1][emotion];
      pen.lineTo(across(history[n][0]), height * (1 - below[n]));
    }
    pen.fillStyle = color;
    pen.fill();
  });
}

// Adds a face's probabilities, and drops those older than the strip.
export function remember(history, seconds, probabilities) {
  history.push([seconds, probabilities]);
  while (history[0][0] < seconds - STRIP_SECONDS) history.shift();
}
