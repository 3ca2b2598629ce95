/** A clip to pictures that move on a canvas, with the controls beside it. */

import { type Clip, frameOf } from "../runtime/clip.ts";
import { context2d, element, withText } from "./elements.ts";
import { createPlaying } from "./playing.ts";

/** Frames a second, as the files that are saved play. */
export const framesPerSecond = 8;

/** A clip that plays in step with the one that is shown. */
export interface Companion {
  readonly clip: Clip;
  readonly name: string;
  readonly description: string;
}

export interface Player {
  /** Shows another clip from its first frame on, and beside it others; it plays, save where the visitor wants little motion. */
  show(clip: Clip, description: string, companions: readonly Companion[]): void;
}

export function createPlayer(): Player {
  const canvas = element("clip", HTMLCanvasElement);
  const strip = element("strip", HTMLCanvasElement);
  const slider = element("frame", HTMLInputElement);
  let clip: Clip | undefined;
  let current = 0;
  let beside: readonly { readonly clip: Clip; readonly canvas: HTMLCanvasElement }[] = [];

  const draw = (index: number) => {
    if (clip === undefined) return;
    current = index;
    context2d(canvas).putImageData(imageOf(clip, index), 0, 0);
    for (const other of beside) context2d(other.canvas).putImageData(imageOf(other.clip, Math.min(index, other.clip.frameCount - 1)), 0, 0);
    slider.value = String(index);
    element("frame-at", HTMLElement).textContent = `Frame ${index + 1} of ${clip.frameCount}`;
    slider.setAttribute("aria-valuetext", `frame ${index + 1} of ${clip.frameCount}`);
  };
  const playing = createPlaying(element("play", HTMLButtonElement), () => draw((current + 1) % (clip?.frameCount ?? 1)));
  drawNoise(canvas);
  slider.addEventListener("input", () => {
    playing.stop();
    draw(slider.valueAsNumber);
  });

  return {
    show: (next, description, companions) => {
      beside = companions.map((one) => ({ clip: one.clip, canvas: pictured(one) }));
      const figures = companions.map(({ name }, i) => {
        const figure = document.createElement("figure");
        figure.append(beside[i]?.canvas ?? "", withText("figcaption", name));
        return figure;
      });
      const others = element("others", HTMLElement);
      others.replaceChildren(...figures);
      others.hidden = figures.length === 0;
      clip = next;
      Object.assign(canvas, { width: next.width, height: next.height, ariaLabel: description });
      Object.assign(strip, { width: next.width * next.frameCount, height: next.height });
      for (let i = 0; i < next.frameCount; i++) context2d(strip).putImageData(imageOf(next, i), i * next.width, 0);
      slider.max = String(next.frameCount - 1);
      draw(0);
      playing.begin(framesPerSecond);
    },
  };
}

function pictured({ clip: { width, height }, description }: Companion): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  return Object.assign(canvas, { width, height, ariaLabel: description });
}

/** What stands in for the first clip; dark, so that words on it can be read. */
function drawNoise(canvas: HTMLCanvasElement): void {
  const { width, height } = canvas;
  const pixels = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : 12 + 36 * Math.random()));
  context2d(canvas).putImageData(new ImageData(pixels, width, height), 0, 0);
}

function imageOf(clip: Clip, index: number): ImageData {
  return new ImageData(new Uint8ClampedArray(frameOf(clip, index)), clip.width, clip.height);
}
