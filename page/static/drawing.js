// Boxes and labels over the picture, and the strip of a face's last 30 seconds.

const STRIP_SECONDS = 30;

// Draws the picture, if there is one, and the faces of a message into a canvas. A picture has an
// image, the degrees clockwise to turn it by, and whether to flip it then.
export function drawFrame(canvas, picture, told, setup) {
  const scale = Math.max(1, 960 / told.width); // so that lines are fine on a small video too
  canvas.width = told.width * scale;
  canvas.height = told.height * scale;
  document.documentElement.style.setProperty("--ratio", told.width / told.height);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  if (picture) {
    const across = picture.turn % 180 !== 0;
    const [width, height] = across ? [told.height, told.width] : [told.width, told.height];
    pen.save();
    pen.translate(told.width / 2, told.height / 2);
    pen.scale(picture.flip ? -1 : 1, 1);
    pen.rotate((picture.turn * Math.PI) / 180);
    pen.drawImage(picture.image, -width / 2, -height / 2, width, height);
    pen.restore();
  }
  for (const face of told.faces) drawFace(pen, face, told, setup);
}

export function colorOf(emotion, setup) {
  return setup.colors[setup.emotions.indexOf(emotion) % setup.colors.length];
}

// Returns a face's label as it is shown, with a question mark where it is unsure, and its percentage.
export function labelOf(face, setup) {
  const sure = face.probabilities[face.label];
  return [face.label + (sure < setup.unsure ? "?" : ""), percent(sure)];
}

export function percent(probability) {
  return `${Math.round(100 * probability)}%`;
}

function drawFace(pen, face, told, setup) {
  const color = colorOf(face.label, setup);
  const [x, y, side] = face.box;
  const line = Math.max(1.5, told.height / 260);
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
  drawLabel(pen, face, told, color, setup);
}

function roundedBox(pen, side) {
  pen.beginPath();
  pen.roundRect(-side / 2, -side / 2, side, side, side / 14);
  pen.stroke();
}

function drawLabel(pen, face, told, color, setup) {
  const [x, y, side] = face.box;
  const size = Math.max(told.height / 32, Math.min(side / 8, told.height / 24));
  const number = told.faces.length > 1 ? `${face.track_id}  ` : "";
  const text = number + labelOf(face, setup).join(" ");
  pen.save();
  pen.globalAlpha = face.found ? 1 : 0.5;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const width = pen.measureText(text).width + size;
  const tall = 1.5 * size;
  const left = Math.max(0, Math.min(x, told.width - width));
  const above = y - tall - size / 4;
  const top = above >= 0 ? above : Math.min(y + side + size / 4, told.height - tall);
  pen.fillStyle = color;
  pen.beginPath();
  pen.roundRect(left, top, width, tall, tall / 2);
  pen.fill();
  pen.fillStyle = isLight(color) ? "#111" : "#fff";
  pen.textBaseline = "middle";
  pen.fillText(text, left + size / 2, top + tall / 2);
  pen.restore();
}

function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return 0.3 * red + 0.59 * green + 0.11 * blue > 110;
}

// Draws stacked areas of the probabilities of a face. `history` holds [seconds, probabilities].
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

// Adds a face's probabilities, and drops what is older than the strip.
export function remember(history, seconds, probabilities) {
  history.push([seconds, probabilities]);
  while (history[0][0] < seconds - STRIP_SECONDS) history.shift();
}
