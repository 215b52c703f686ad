// The camera: asked for when it is wanted, let go when it is not, one frame at a time as fast as somebody looks at them.

/** Frames this wide are enough for a model that sees 32 pixels. */
const WIDTH = 320;

export class Camera {
  readonly #changed: () => void;
  #stream: MediaStream | undefined;
  #wanted = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get running(): boolean {
    return this.#wanted;
  }

  /** Hands over frames until it is stopped; each waits for the one before to be looked at. Rejects where there is no camera. */
  async run(look: (frame: ImageData) => Promise<void>): Promise<void> {
    this.stop();
    this.#become(true);
    try {
      const video = await this.#video();
      while (this.#wanted && video !== undefined) {
        await look(frameOf(video));
        await new Promise(requestAnimationFrame);
      }
    } finally {
      this.stop();
    }
  }

  stop(): void {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = undefined;
    if (this.#wanted) this.#become(false);
  }

  async #video(): Promise<HTMLVideoElement | undefined> {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: WIDTH }, audio: false });
    if (!this.#wanted) {
      // Stopped while the browser asked.
      stream.getTracks().forEach((track) => track.stop());
      return undefined;
    }
    this.#stream = stream;
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    await video.play();
    return video;
  }

  #become(wanted: boolean): void {
    this.#wanted = wanted;
    this.#changed();
  }
}

function frameOf(video: HTMLVideoElement): ImageData {
  const { videoWidth: width, videoHeight: height } = video;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser cannot draw outside the page');
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, width, height);
}
