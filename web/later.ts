/** Rows of a frame and a text to the prompts that hold at later frames of a clip. */

import { element, labelled, withText } from "./elements.ts";
import { longestPrompt, mostFrames } from "./link.ts";
import type { Later } from "./wish.ts";

export interface LaterForm {
  read(): readonly Later[];
  fill(later: readonly Later[]): void;
  /** How long the clip becomes, where that is known, and how many frames one window has: what rows are checked against. */
  offer(length: { readonly frames: number; readonly oneWindow: boolean } | undefined, window: number): void;
}

interface Row {
  readonly item: HTMLLIElement;
  readonly frame: HTMLInputElement;
  readonly prompt: HTMLInputElement;
}

/** `makeRoom` is called before a row is added, and gives the clip's last frame, where it is known; `changed` hears of rows that come and go. */
export function createLater(makeRoom: () => number | undefined, changed: () => void): LaterForm {
  const details = element("later", HTMLDetailsElement);
  const list = element("later-rows", HTMLElement);
  const add = element("add-later", HTMLButtonElement);
  const hint = element("later-hint", HTMLElement);
  let rows: readonly Row[] = [];
  const put = (next: readonly Row[]) => {
    rows = next;
    list.replaceChildren(...rows.map(({ item }) => item));
    element("later-now", HTMLElement).textContent = rows.length === 0 ? "" : `: ${rows.length}`;
  };
  const rowOf = (frame: number | undefined, text: string): Row => {
    const item = document.createElement("li");
    const at = Object.assign(document.createElement("input"), {
      type: "number",
      min: "2",
      step: "1",
      required: true,
      inputMode: "numeric",
    });
    const prompt = Object.assign(document.createElement("input"), { type: "text", required: true, maxLength: longestPrompt });
    Object.assign(prompt, { autocomplete: "off", autocapitalize: "none", spellcheck: false, value: text });
    at.value = frame === undefined ? "" : String(frame);
    const remove = withText("button", "×");
    Object.assign(remove, { type: "button", ariaLabel: "Remove this prompt" });
    const row = { item, frame: at, prompt };
    remove.addEventListener("click", () => {
      put(rows.filter((one) => one !== row));
      add.focus();
      changed();
    });
    item.append(labelled("At frame", at), labelled("New prompt", prompt), remove);
    return row;
  };
  add.addEventListener("click", () => {
    const last = makeRoom();
    const taken = rows.some(({ frame }) => frame.valueAsNumber === last);
    const row = rowOf(taken ? undefined : last, "");
    put([...rows, row]);
    (taken ? row.frame : row.prompt).focus();
    changed();
  });

  return {
    read: () => rows.map(({ frame, prompt }) => ({ frame: frame.valueAsNumber, prompt: prompt.value })),
    fill: (later) => {
      put(later.map(({ frame, prompt }) => rowOf(frame, prompt)));
      if (later.length > 0) details.open = true;
    },
    offer: (length, window) => {
      const { frames = mostFrames, oneWindow = false } = length ?? {};
      for (const [i, { frame }] of rows.entries()) {
        frame.max = String(frames);
        const again = rows.slice(0, i).some((other) => other.frame.value !== "" && other.frame.value === frame.value);
        frame.setCustomValidity(oneWindow ? tooShort(window) : again ? "Another prompt holds at this frame already." : "");
      }
      hint.textContent = `The prompt above holds at frame 1, each of these at its own, and between two they are mixed. ${
        rows.length > 0 && oneWindow ? tooShort(window) : `It takes a clip of more than ${window} frames, or a loop.`
      }`;
    },
  };
}

const tooShort = (window: number) => `${window} frames have one prompt: ask for more frames, or for a loop.`;
