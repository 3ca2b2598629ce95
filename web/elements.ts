/** An id of index.html to its element, of the type that it must have; words to an element of their own, or to what a field is called. */

export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`page: index.html has no ${type.name} with the id ${id}`);
  return found;
}

export function withText<K extends keyof HTMLElementTagNameMap>(tag: K, text: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** A field beneath its name. */
export function labelled(name: string, field: HTMLElement): HTMLLabelElement {
  const label = withText("label", name);
  label.className = "field";
  label.append(field);
  return label;
}

export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext("2d");
  if (found === null) throw new Error(`page: the canvas ${canvas.id} has no 2d context`);
  return found;
}
