/** A box drawn over a clip, and a range of its frames, to what of the clip is made anew; shows what that is on the clip itself. */

import type { ClipShape } from "../runtime/clips/clip-shape.ts";
import type { Picture } from "../runtime/web/index.ts";
import { context2d, element } from "./elements.ts";
import { boxBetween, isBox, keptUnder, maskOf, partInWords, placeOf } from "./inpainting.ts";
import { type Box, type Part, sides } from "./wish.ts";

export interface PartEditor {
  read(): Part;
  fill(part: Part): void;
  /** What it draws on, pictures of the model's size: nothing where no clip is given yet. `mask` is white where the clip is made anew. */
  offer(shape: ClipShape, clip: readonly Picture[] | undefined, mask: Picture | undefined): void;
  /** Whether its fields are asked at all. */
  enable(on: boolean): void;
}

interface Drawn {
  readonly shape: ClipShape;
  readonly clip: readonly Picture[];
  readonly mask: Picture | undefined;
}

/** `changed` hears of what is drawn. */
export function createPartEditor(changed: () => void): PartEditor {
  const where = element("where", HTMLSelectElement);
  const canvas = element("part", HTMLCanvasElement);
  const strip = element("part-strip", HTMLCanvasElement);
  const shownFrame = element("part-frame", HTMLInputElement);
  const sizes = { left: field("box-left"), top: field("box-top"), width: field("box-width"), height: field("box-height") };
  const [first, last] = [field("part-first"), field("part-last")];
  let drawn: Drawn | undefined;
  let from: { readonly x: number; readonly y: number } | undefined;

  const box = (): Box => ({
    left: sizes.left.valueAsNumber,
    top: sizes.top.valueAsNumber,
    width: sizes.width.valueAsNumber,
    height: sizes.height.valueAsNumber,
  });
  const setBox = (next: Box) => {
    for (const name of ["left", "top", "width", "height"] as const) sizes[name].value = String(next[name]);
  };
  const read = (): Part => ({
    where: sides.find((side) => side === where.value) ?? "inside",
    box: box(),
    first: first.valueAsNumber,
    last: last.value === "" ? undefined : last.valueAsNumber,
  });

  const draw = () => {
    if (drawn === undefined) return;
    const { shape, clip, mask } = drawn;
    const part = read();
    const whole = first.validity.valid && last.validity.valid && (part.where === "mask" || isBox(part.box, shape));
    const none = new Float32Array(clip.length);
    const kept = whole ? keptUnder(maskOf(part, shape.picture ?? { width: 1, height: 1 }, clip.length, mask), clip.length, shape) : none;
    const anew = (frame: number, at: number, places: number) => (whole ? 1 - (kept[frame * places + at] ?? 1) : 0);
    const index = Math.min(shownFrame.valueAsNumber, clip.length) - 1;
    paint(canvas, shape, [clip[index] as Picture], scaleFor(shape), (_, at, places) => anew(index, at, places));
    if (whole && part.where !== "mask") outline(canvas, part.box, scaleFor(shape));
    paint(strip, shape, clip, 1, anew);
    const words = partInWords(part, clip.length);
    const said = whole ? `Hatched is what is made anew: ${words}. All else is kept.` : "";
    element("part-words", HTMLElement).textContent = said;
    element("part-at", HTMLElement).textContent = `Frame ${index + 1} of ${clip.length}`;
    shownFrame.setAttribute("aria-valuetext", `frame ${index + 1} of ${clip.length}`);
    canvas.ariaLabel = `Frame ${index + 1} of the clip. ${said}`;
  };

  const pointOf = ({ clientX, clientY }: PointerEvent, { picture }: ClipShape) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: ((clientX - left) / width) * (picture?.width ?? 1), y: ((clientY - top) / height) * (picture?.height ?? 1) };
  };
  const drag = (event: PointerEvent) => {
    if (drawn === undefined || from === undefined) return;
    setBox(boxBetween(from, pointOf(event, drawn.shape), drawn.shape));
    changed();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (drawn === undefined || where.value === "mask" || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    from = pointOf(event, drawn.shape);
    drag(event);
  });
  canvas.addEventListener("pointermove", drag);
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, () => {
      from = undefined;
    });
  shownFrame.addEventListener("input", draw);
  // What is asked of a frame is seen there.
  for (const input of [first, last])
    input.addEventListener("input", () => {
      if (input.value !== "" && input.validity.valid) shownFrame.value = input.value;
    });

  return {
    read,
    fill: (part) => {
      where.value = part.where;
      setBox(part.box);
      first.value = String(part.first);
      last.value = part.last === undefined ? "" : String(part.last);
    },
    offer: (shape, clip, mask) => {
      drawn = clip === undefined || shape.picture === undefined ? undefined : { shape, clip, mask };
      element("part-view", HTMLElement).hidden = drawn === undefined;
      const place = placeOf(shape);
      const block = place.width === place.height ? `${place.width}` : `${place.width} by ${place.height}`;
      element("box-hint", HTMLElement).textContent =
        `Draw it on the picture, or give it in pixels below. The model has it in blocks of ${block}.`;
      const { width = place.width, height = place.height } = shape.picture ?? {};
      const limit = (input: HTMLInputElement, least: number, most: number, step: number) =>
        Object.assign(input, { min: String(least), max: String(most), step: String(step) });
      limit(sizes.left, 0, width - place.width, place.width);
      limit(sizes.top, 0, height - place.height, place.height);
      limit(sizes.width, place.width, width - (sizes.left.valueAsNumber || 0), place.width);
      limit(sizes.height, place.height, height - (sizes.top.valueAsNumber || 0), place.height);
      const count = clip?.length;
      limit(first, 1, last.valueAsNumber || (count ?? Number.MAX_SAFE_INTEGER), 1);
      limit(last, first.valueAsNumber || 1, count ?? Number.MAX_SAFE_INTEGER, 1);
      last.placeholder = count === undefined ? "last" : String(count);
      if (count !== undefined) shownFrame.max = String(count);
      draw();
    },
    enable: (on) => {
      const boxed = on && where.value !== "mask";
      for (const input of Object.values(sizes)) input.disabled = !boxed;
      for (const input of [first, last]) input.disabled = !on;
      element("box-fields", HTMLElement).hidden = where.value === "mask";
      element("box-hint", HTMLElement).hidden = where.value === "mask";
      element("mask-field", HTMLElement).hidden = where.value !== "mask";
    },
  };
}

const field = (id: string) => element(id, HTMLInputElement);

/** A picture is drawn so large that what lies over it is finer than its pixels. */
const scaleFor = ({ picture }: ClipShape) => Math.max(1, Math.round(384 / (picture?.width ?? 384)));

/** Pictures side by side, and over them how much of each place is made anew. */
function paint(
  canvas: HTMLCanvasElement,
  shape: ClipShape,
  clip: readonly Picture[],
  scale: number,
  anew: (frame: number, at: number, places: number) => number,
): void {
  const { picture, latent } = shape;
  if (picture === undefined || latent === undefined) return;
  const [width, height] = [picture.width * scale, picture.height * scale];
  Object.assign(canvas, { width: width * clip.length, height });
  const context = context2d(canvas);
  const [across, down] = [width / latent.width, height / latent.height];
  context.imageSmoothingEnabled = false;
  context.fillStyle = context.createPattern(hatching(across > 2 * hatchSize), "repeat") ?? "transparent";
  const places = latent.width * latent.height;
  for (const [i, one] of clip.entries()) {
    const pixels = new OffscreenCanvas(one.width, one.height);
    pixels.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(one.data), one.width, one.height), 0, 0);
    context.globalAlpha = 1;
    context.drawImage(pixels, i * width, 0, width, height);
    for (let at = 0; at < places; at++) {
      context.globalAlpha = anew(i, at, places);
      if (context.globalAlpha === 0) continue;
      context.fillRect(i * width + (at % latent.width) * across, Math.floor(at / latent.width) * down, across, down);
    }
  }
}

/** Seen on dark and on light, in frames too where nothing is made anew. */
function outline(canvas: HTMLCanvasElement, { left, top, width, height }: Box, scale: number): void {
  const context = context2d(canvas);
  context.globalAlpha = 1;
  context.lineWidth = 2;
  for (const [colour, offset] of [
    ["black", 0],
    ["white", 6],
  ] as const) {
    context.strokeStyle = colour;
    context.setLineDash([6, 6]);
    context.lineDashOffset = offset;
    context.strokeRect(left * scale + 1, top * scale + 1, width * scale - 2, height * scale - 2);
  }
}

const hatchSize = 12;

/** What lies over a place that is made anew; without lines where these would be as wide as the place. */
function hatching(lines: boolean): OffscreenCanvas {
  const size = hatchSize;
  const tile = new OffscreenCanvas(size, size);
  const context = tile.getContext("2d");
  if (context === null) throw new Error("page: no canvas to draw a pattern on");
  context.fillStyle = "rgb(230 87 46 / 55%)";
  context.fillRect(0, 0, size, size);
  if (!lines) return tile;
  context.strokeStyle = "rgb(255 255 255 / 75%)";
  context.lineWidth = 1.5;
  for (const shift of [-size, 0, size]) {
    context.beginPath();
    context.moveTo(shift, size);
    context.lineTo(shift + size, 0);
    context.stroke();
  }
  return tile;
}
