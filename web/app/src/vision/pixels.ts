// Puts a picture as its model read it on every canvas that shows it, pixel for pixel.

export function paintPixels(rgb: Uint8Array, side: number, canvases: string): void {
  let image: ImageData | undefined;
  for (const canvas of document.querySelectorAll<HTMLCanvasElement>(canvases)) {
    if (painted.get(canvas) === rgb) continue;
    const context = canvas.getContext('2d');
    image ??= imageOf(rgb, side);
    canvas.width = side;
    canvas.height = side;
    context?.putImageData(image, 0, 0);
    painted.set(canvas, rgb);
  }
}

/** What stands on each canvas, so that drawing the page again paints nothing again. */
const painted = new WeakMap<HTMLCanvasElement, Uint8Array>();

function imageOf(rgb: Uint8Array, side: number): ImageData {
  const image = new ImageData(side, side);
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) image.data[4 * pixel + channel] = rgb[3 * pixel + channel] ?? 0;
    image.data[4 * pixel + 3] = 255;
  }
  return image;
}
