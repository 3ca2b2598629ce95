/** The address of a sheet, a picture with a row a prompt and a column a frame, to frames that can be drawn. */

import { context2d } from "./elements.ts";

export interface Sheet {
  /** The canvas becomes as large as the frame. */
  draw(canvas: HTMLCanvasElement, row: number, column: number): void;
}

export interface Sheets {
  /** Throws where the picture does not come, or is none of so many rows and columns; the next call tries again. */
  load(path: string, rows: number, columns: number): Promise<Sheet>;
}

/** Each is downloaded once. */
export function createSheets(): Sheets {
  const known = new Map<string, Promise<Sheet>>();
  return {
    load: (path, rows, columns) => {
      const found = known.get(path) ?? loadSheet(path, rows, columns);
      known.set(path, found);
      found.catch(() => known.delete(path));
      return found;
    },
  };
}

async function loadSheet(path: string, rows: number, columns: number): Promise<Sheet> {
  const image = new Image();
  image.src = path;
  await image.decode();
  const [width, height] = [image.naturalWidth / columns, image.naturalHeight / rows];
  if (!Number.isInteger(width) || !Number.isInteger(height)) throw new Error(`page: ${path} has no ${rows} rows of ${columns} frames`);
  return {
    draw: (canvas, row, column) => {
      // Setting a size clears a canvas, and costs more than a frame of it.
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      context2d(canvas).drawImage(image, column * width, row * height, width, height, 0, 0, width, height);
    },
  };
}
