// Whatever a page calls an image, as the bytes that the engine takes: [height, width, 4], alpha not premultiplied.
// Decoding is the browser's; cutting and scaling is the engine's, so that there is one place for it.

import { MoescopeError } from '../public/error.js';
import type { ImageInput } from '../public/types.js';
import { messageOf } from './protocol.js';

export interface Pixels {
  readonly rgba: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export async function pixelsOf(image: ImageInput): Promise<Pixels> {
  if ('data' in image) {
    return fromData(image);
  }
  return image instanceof Blob ? fromBlob(image) : drawn(image);
}

function fromData({ data, width, height }: Pick<ImageData, 'data' | 'width' | 'height'>): Pixels {
  if (!(data instanceof Uint8ClampedArray)) {
    throw new MoescopeError('image_invalid', 'The image data has no bytes from 0 to 255; give an ImageData of the kind rgba-unorm8.');
  }
  return { rgba: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
}

async function fromBlob(blob: Blob): Promise<Pixels> {
  const bitmap = await createImageBitmap(blob).catch((error: unknown) => {
    const kind = blob.type === '' ? 'a file of unknown type' : `a file of type ${blob.type}`;
    throw new MoescopeError('image_unreadable', `The browser cannot read this as an image: ${kind} (${messageOf(error).replace(/\.$/, '')}). Give a PNG, JPEG, WebP or GIF.`);
  });
  try {
    return drawn(bitmap);
  } finally {
    bitmap.close();
  }
}

function drawn(image: ImageBitmap | OffscreenCanvas | HTMLCanvasElement): Pixels {
  const { width, height } = image;
  if (width === 0 || height === 0) {
    throw new MoescopeError('image_invalid', `The image is ${width} x ${height} pixels; it must have at least one.`);
  }
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) {
    throw new MoescopeError('image_unreadable', `The browser has no canvas of ${width} x ${height} pixels; give a smaller image.`);
  }
  context.drawImage(image, 0, 0);
  return fromData(context.getImageData(0, 0, width, height));
}
