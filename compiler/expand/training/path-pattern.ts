/** A pattern of weight paths to the paths that begin with it: `*` is one level, `**` any number of them. */

/** `unet.**.conv` holds of `unet.stem.conv.weight`, and `unet` of all below it. */
export function pathPattern(pattern: string): (path: string) => boolean {
  const levels = pattern.split(".");
  const parts = levels.map((level, i) => {
    const last = i === levels.length - 1;
    if (level === "**") return last ? "" : "(?:[^.]+\\.)*";
    const one = level === "*" ? "[^.]+" : level.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    return last ? `${one}(?:\\.|$)` : `${one}\\.`;
  });
  const found = new RegExp(`^${parts.join("")}`);
  return (path) => found.test(path);
}
