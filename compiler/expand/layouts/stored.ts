/** What each key of a checkpoint holds, gathered weight by weight: refused where two weights lie at one place or a whole lacks a part. */

import type { Span } from "../../../dsl/index.ts";
import type { KeyPlace, Layout } from "../../module/layout.ts";
import { ExpansionFailure } from "../failure.ts";
import { expandDiagnostic } from "../messages.ts";

interface Held {
  readonly path: string;
  readonly place: KeyPlace;
  /** Of a part, as it is stored. */
  readonly shape: readonly number[];
  readonly written: Written;
}

/** Where a key is written: its last part, and the last that has holes. */
interface Written {
  readonly span: Span;
  readonly holed: Span | undefined;
}

export class Stored {
  private readonly name: string;
  private readonly places = new Map<string, KeyPlace[]>();
  private readonly held = new Map<string, Held[]>();
  private readonly dropped = new Map<string, Span>();

  constructor(name: string) {
    this.name = name;
  }

  /** Whether a weight has its keys: several graphs may have it. */
  has(path: string): boolean {
    return this.places.has(path);
  }

  drop(key: string, span: Span): void {
    this.dropped.set(key, span);
  }

  add(path: string, own: readonly number[], place: KeyPlace, written: Written): void {
    const shape = place.shape ?? own;
    const held = this.held.get(place.key);
    const other = held?.find((one) => {
      if (one.path === path && one.shape.join() !== shape.join()) return false;
      return one.place.part === undefined || place.part === undefined || one.place.part.index === place.part.index;
    });
    if (other !== undefined) {
      const what = place.part === undefined || other.place.part === undefined ? "" : `rows ${place.part.index} of `;
      // Where both are written in one place, they are to differ in its holes.
      const same = other.written.span === written.span;
      const related = same ? [] : [{ message: `the key of \`${other.path}\``, span: other.written.span }];
      const holes = { layout: this.name, first: other.path, second: path, place: `${what}\`${place.key}\`` };
      throw new ExpansionFailure(expandDiagnostic("layout-clash", (same ? written.holed : undefined) ?? written.span, holes, { related }));
    }
    const one = { path, place, shape, written };
    if (held === undefined) this.held.set(place.key, [one]);
    else held.push(one);
    const places = this.places.get(path);
    if (places === undefined) this.places.set(path, [place]);
    else places.push(place);
  }

  finish(): Layout {
    for (const [key, held] of this.held) this.checkWhole(key, held);
    this.checkDropped();
    return { name: this.name, places: this.places, dropped: [...this.dropped.keys()] };
  }

  private checkDropped(): void {
    const beginnings = [...this.dropped.keys()].filter((key) => /[./]$/.test(key));
    for (const [key, [held]] of this.held) {
      const dropped = this.dropped.has(key) ? key : beginnings.find((beginning) => key.startsWith(beginning));
      const span = dropped === undefined ? undefined : this.dropped.get(dropped);
      if (held === undefined || dropped === undefined || span === undefined) continue;
      const holes = { layout: this.name, key: dropped, path: held.path };
      const related = [{ message: `the key of \`${held.path}\``, span: held.written.span }];
      throw new ExpansionFailure(expandDiagnostic("layout-drop", span, holes, { related }));
    }
  }

  private checkWhole(key: string, held: readonly Held[]): void {
    const [first] = held;
    const part = first?.place.part;
    if (first === undefined || part === undefined) return;
    const odd = held.find(({ place, shape }) => place.part?.of !== part.of || shape.join() !== first.shape.join());
    if (odd !== undefined) {
      const [one, other] = [first, odd].map(({ place, shape }) => `one of ${place.part?.of} with [${shape.join(", ")}]`) as [
        string,
        string,
      ];
      const holes = { layout: this.name, key, what: `parts that differ, ${one} and ${other}` };
      throw new ExpansionFailure(expandDiagnostic("layout-parts", odd.written.span, holes));
    }
    if (held.length === part.of) return;
    const missing = Array.from({ length: part.of }, (_, i) => i).filter((i) => held.every(({ place }) => place.part?.index !== i));
    const holes = { layout: this.name, key, what: `${part.of} parts, and no weight has rows ${missing.join(", ")}` };
    throw new ExpansionFailure(expandDiagnostic("layout-parts", first.written.span, holes));
  }
}
