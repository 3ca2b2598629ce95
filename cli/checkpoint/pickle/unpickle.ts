/** A pickle of protocols 2 to 5 to its value. The machine only puts values together: whatever would be run is asked of the host. */

import { ByteReader } from "./byte-reader.ts";
import { Inert, Tuple } from "./values.ts";

/** Who answers what a pickle asks for beyond plain data. */
export interface Host {
  /** Something of a module, by name. */
  global(module: string, name: string): unknown;
  /** What a call would give. */
  call(callee: unknown, args: readonly unknown[]): unknown;
  /** What lies outside of the pickle: a storage. */
  persistent(id: unknown): unknown;
  /** The error of a pickle that is not sound. */
  fail(reason: string): Error;
}

/**
 * Containers, their entries and remembered values that one pickle may make: ten times what a large model's training state has. What is
 * written in few bytes may not take unbounded memory.
 */
const MOST_OBJECTS = 1_000_000;
/** And operations, each of which may leave a value that is no container. */
const MOST_STEPS = 2 ** 23;

class Machine {
  readonly in: ByteReader;
  readonly host: Host;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #objects = 0;

  constructor(bytes: Uint8Array, host: Host) {
    this.in = new ByteReader(bytes, host.fail);
    this.host = host;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  /** Of a container, an entry or an object. */
  pushNew(value: unknown): void {
    this.spend(1);
    this.#stack.push(value);
  }

  spend(objects: number): void {
    this.#objects += objects;
    if (this.#objects > MOST_OBJECTS) throw this.host.fail(`its pickle makes more than ${MOST_OBJECTS} objects`);
  }

  pop(): unknown {
    this.#require(1);
    return this.#stack.pop();
  }

  popMany(count: number): unknown[] {
    this.#require(count);
    return this.#stack.splice(this.#stack.length - count);
  }

  top(): unknown {
    this.#require(1);
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  popMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined || mark > this.#stack.length) throw this.#broken("asks for a mark that is not there");
    return this.#stack.splice(mark);
  }

  remember(index: number): void {
    this.spend(1);
    this.#memo.set(index, this.top());
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.#broken(`recalls value ${index}, which was not remembered`);
    this.push(this.#memo.get(index));
  }

  /** Items at the end of a list; what is inert stays so. */
  append(items: readonly unknown[]): void {
    const list = this.top();
    if (list instanceof Inert) return;
    if (!Array.isArray(list)) throw this.#broken("appends to what is no list");
    for (const item of items) list.push(item);
  }

  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (pairs.length % 2 !== 0) throw this.#broken("sets a key without a value");
    if (dict instanceof Inert) return;
    if (!(dict instanceof Map)) throw this.#broken("sets items of what is no dict");
    this.spend(pairs.length / 2);
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== "string" || typeof name !== "string") throw this.#broken("names a global by what is no text");
    this.pushNew(this.host.global(module, name));
  }

  call(callee: unknown, args: unknown): void {
    if (!(args instanceof Tuple)) throw this.#broken("calls with what is no tuple");
    this.pushNew(this.host.call(callee, args.items));
  }

  #require(count: number): void {
    // Values below a mark are not there until it is taken.
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < count) throw this.#broken("takes more values than there are");
  }

  #broken(what: string): Error {
    return this.host.fail(`its pickle ${what} (before byte ${this.in.position})`);
  }
}

type Step = (m: Machine) => void;

/** By opcode, named in `pickletools`. Those of protocols 0 and 1 that later ones do not write are missing, but for what names a global. */
const steps: ReadonlyMap<number, Step> = new Map<number, Step>([
  /* PROTO            */ [0x80, (m) => void m.in.u8()],
  /* FRAME            */ [0x95, (m) => void m.in.u64()],
  /* NONE             */ [0x4e, (m) => m.push(null)],
  /* NEWTRUE          */ [0x88, (m) => m.push(true)],
  /* NEWFALSE         */ [0x89, (m) => m.push(false)],
  /* BININT           */ [0x4a, (m) => m.push(m.in.i32())],
  /* BININT1          */ [0x4b, (m) => m.push(m.in.u8())],
  /* BININT2          */ [0x4d, (m) => m.push(m.in.u16())],
  /* LONG1            */ [0x8a, (m) => m.push(m.in.integer(m.in.u8()))],
  /* LONG4            */ [0x8b, (m) => m.push(m.in.integer(m.in.u32()))],
  /* BINFLOAT         */ [0x47, (m) => m.push(m.in.f64())],
  /* SHORT_BINUNICODE */ [0x8c, (m) => m.push(m.in.text(m.in.u8()))],
  /* BINUNICODE       */ [0x58, (m) => m.push(m.in.text(m.in.u32()))],
  /* BINUNICODE8      */ [0x8d, (m) => m.push(m.in.text(m.in.u64()))],
  /* SHORT_BINSTRING  */ [0x55, (m) => m.push(m.in.text(m.in.u8()))],
  /* BINSTRING        */ [0x54, (m) => m.push(m.in.text(m.in.u32()))],
  /* SHORT_BINBYTES   */ [0x43, (m) => m.push(m.in.take(m.in.u8()))],
  /* BINBYTES         */ [0x42, (m) => m.push(m.in.take(m.in.u32()))],
  /* BINBYTES8        */ [0x8e, (m) => m.push(m.in.take(m.in.u64()))],
  /* BYTEARRAY8       */ [0x96, (m) => m.push(m.in.take(m.in.u64()))],
  /* EMPTY_LIST       */ [0x5d, (m) => m.pushNew([])],
  /* APPEND           */ [0x61, (m) => m.append([m.pop()])],
  /* APPENDS          */ [0x65, (m) => m.append(m.popMark())],
  /* EMPTY_TUPLE      */ [0x29, (m) => m.pushNew(new Tuple([]))],
  /* TUPLE            */ [0x74, (m) => m.pushNew(new Tuple(m.popMark()))],
  /* TUPLE1           */ [0x85, (m) => m.pushNew(new Tuple(m.popMany(1)))],
  /* TUPLE2           */ [0x86, (m) => m.pushNew(new Tuple(m.popMany(2)))],
  /* TUPLE3           */ [0x87, (m) => m.pushNew(new Tuple(m.popMany(3)))],
  /* EMPTY_DICT       */ [0x7d, (m) => m.pushNew(new Map())],
  /* SETITEM          */ [0x73, (m) => m.setItems(m.popMany(2))],
  /* SETITEMS         */ [0x75, (m) => m.setItems(m.popMark())],
  /* EMPTY_SET        */ [0x8f, (m) => m.pushNew(new Inert("builtins.set"))],
  /* ADDITEMS         */ [0x90, (m) => m.append(m.popMark())],
  /* FROZENSET        */ [0x91, (m) => m.popMark() && m.pushNew(new Inert("builtins.frozenset"))],
  /* MARK             */ [0x28, (m) => m.mark()],
  /* POP              */ [0x30, (m) => void m.pop()],
  /* POP_MARK         */ [0x31, (m) => void m.popMark()],
  /* DUP              */ [0x32, (m) => m.push(m.top())],
  /* BINPUT           */ [0x71, (m) => m.remember(m.in.u8())],
  /* LONG_BINPUT      */ [0x72, (m) => m.remember(m.in.u32())],
  /* MEMOIZE          */ [0x94, (m) => m.rememberNext()],
  /* BINGET           */ [0x68, (m) => m.recall(m.in.u8())],
  /* LONG_BINGET      */ [0x6a, (m) => m.recall(m.in.u32())],
  /* GLOBAL           */ [0x63, (m) => m.global(m.in.line(), m.in.line())],
  /* INST             */ [0x69, inst],
  /* STACK_GLOBAL     */ [0x93, stackGlobal],
  /* REDUCE           */ [0x52, reduce],
  /* NEWOBJ           */ [0x81, reduce],
  /* NEWOBJ_EX        */ [0x92, newObjectWithKeywords],
  /* BUILD            */ [0x62, build],
  /* BINPERSID        */ [0x51, (m) => m.pushNew(m.host.persistent(m.pop()))],
]);

function inst(m: Machine): void {
  m.global(m.in.line(), m.in.line());
  const callee = m.pop();
  m.call(callee, new Tuple(m.popMark()));
}

function stackGlobal(m: Machine): void {
  const [module, name] = m.popMany(2);
  m.global(module, name);
}

function reduce(m: Machine): void {
  const [callee, args] = m.popMany(2);
  m.call(callee, args);
}

function newObjectWithKeywords(m: Machine): void {
  const [callee, args] = m.popMany(3);
  m.call(callee, args);
}

/** The state of an object: its attributes, or those and its slots. What is a dict or a tensor here has none that matters. */
function build(m: Machine): void {
  const state = m.pop();
  const built = m.top();
  const attributes = state instanceof Tuple ? state.items[0] : state;
  if (built instanceof Inert && attributes instanceof Map) built.attributes = attributes;
  if (typeof built !== "object" || built === null || built instanceof Tuple || Array.isArray(built))
    throw m.host.fail("its pickle gives a state to what is no object");
}

const STOP = 0x2e;

/** Throws what the host throws, and its `fail` for what is no pickle of these protocols. */
export function unpickle(bytes: Uint8Array, host: Host): unknown {
  const machine = new Machine(bytes, host);
  for (let done = 0; done < MOST_STEPS; done++) {
    const code = machine.in.u8();
    if (code === STOP) return machine.pop();
    const step = steps.get(code);
    if (step === undefined) {
      throw host.fail(`byte ${machine.in.position - 1} of its pickle, 0x${code.toString(16)}, is no operation of protocols 2 to 5`);
    }
    step(machine);
  }
  throw host.fail(`its pickle takes more than ${MOST_STEPS} operations`);
}
