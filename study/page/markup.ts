/** Texts to what stands for them in HTML and SVG. */

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Colours of variants, which people with any colour vision tell apart (Okabe and Ito, 2008); the baseline is the ink. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d3b", "#6a3d9a"] as const;

export const ink = "#1f2328";
export const grey = "#6b7280";

export const colourOf = (variant: number): string => (variant === 0 ? ink : (colours[(variant - 1) % colours.length] ?? grey));
