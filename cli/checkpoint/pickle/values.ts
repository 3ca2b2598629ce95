/** What a pickle is built into, beside JavaScript's own values: arrays are its lists, Maps its dicts. */

import type { Role } from "./globals.ts";

export class Tuple {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** Something in Python that has a name: a class or a function. */
export class Global {
  readonly name: string;
  readonly role: Role;

  constructor(name: string, role: Role) {
    this.name = name;
    this.role = role;
  }
}

/** What a call of something unknown would have given: nothing was called. */
export class Inert {
  readonly of: string;
  /** Its attributes, where the pickle gives it some. */
  attributes: ReadonlyMap<unknown, unknown> = new Map();

  constructor(of: string) {
    this.of = of;
  }
}
