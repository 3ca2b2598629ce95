/** Attention that never writes a score to memory: of few tokens in registers, of many with a softmax that is corrected as it goes (Milakov and Gimelshein, 2018). */

import { type Coordinate, stretched, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter, type Parameter } from "./kernel-writer.ts";
import { literal, Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly depth: number;
  readonly causal: boolean;
  readonly biased: boolean;
  readonly lanes: 1 | 4;
}

/** Tokens whose scores a thread keeps in registers: a clip's frames. */
const fewTokens = 32;
/** Channels of a head that a thread keeps in registers beside its query. */
const fewChannels = 96;
/** Queries of a workgroup that works in quads: all of one head, so that it does not matter which threads a device puts together. */
const queriesOfQuads = 64;

export function attention(task: Task): Draft {
  const sizes = sizesOf(task);
  if (sizes.keys <= fewTokens) return fewKeys(task, sizes);
  return sizes.depth <= fewChannels ? manyKeys(task, sizes) : manyChannels(task, sizes);
}

/** Undefined where threads cannot work in fours: few queries, or heads that are not made of fours. */
export function quadAttention(task: Task): Draft | undefined {
  const sizes = sizesOf(task);
  const { queries, depth, lanes } = sizes;
  return queries < queriesOfQuads || depth > fewChannels || lanes !== 4 ? undefined : { ...quadKeys(task, sizes), preferred: true };
}

function sizesOf(task: Task): Sizes {
  const core = coreOf(task.group, "attend");
  const [query = -1, key = -1] = core.inputs;
  const [batch = 1, queries = 1, channels = 1] = task.scene.value(query).type.shape;
  const keys = task.scene.value(key).type.shape[1] ?? 1;
  const heads = core.attributes.heads;
  const depth = channels / heads;
  const biased = core.inputs.length > 3;
  return { batch, queries, keys, heads, depth, causal: core.attributes.causal, biased, lanes: depth % 4 === 0 ? 4 : 1 };
}

/** The channel of a head: one of four neighbours where heads are made of fours. */
function channelAt(sizes: Sizes, head: string, place: string): Coordinate {
  const along = sizes.lanes === 4 ? variable(`(${place} * 4u)`, sizes.depth, place) : variable(place, sizes.depth);
  return [...variable(head, sizes.heads), ...along];
}

/** Reads and writes of tokens by the names that all forms share: n, head, s. */
class Access {
  private readonly task: Task;
  private readonly sizes: Sizes;
  private readonly writer: KernelWriter;

  constructor(task: Task, sizes: Sizes, writer: KernelWriter) {
    this.task = task;
    this.sizes = sizes;
    this.writer = writer;
  }

  /** `which` counts query, key, value. */
  read(which: 0 | 1 | 2, token: string, place: string): string {
    const id = coreOf(this.task.group, "attend").inputs[which] ?? -1;
    const tokens = which === 0 ? this.sizes.queries : this.sizes.keys;
    const at = [variable("n", this.sizes.batch), variable(token, tokens), channelAt(this.sizes, "head", place)];
    return new Reader(this.task.scene, this.writer).read(id, at, this.sizes.lanes);
  }

  /** What is added to the score of a key, or of four keys from `token` on, whose number is four times `quarter`. */
  bias(token: string, quarter?: string): string {
    const id = coreOf(this.task.group, "attend").inputs[3] ?? -1;
    const { batch, heads, queries, keys } = this.sizes;
    const at = [variable("n", batch), variable("head", heads), variable("s", queries), variable(token, keys, quarter)];
    const { shape } = this.task.scene.value(id).type;
    return new Reader(this.task.scene, this.writer).read(id, stretched(at, shape), quarter === undefined ? 1 : 4);
  }

  write(place: string, value: string): void {
    const at = [variable("n", this.sizes.batch), variable("s", this.sizes.queries), channelAt(this.sizes, "head", place)];
    finishElement(this.task, this.writer, coreOf(this.task.group, "attend"), value, at, this.sizes.lanes);
  }
}

function product(sizes: Sizes, a: string, b: string): string {
  return sizes.lanes === 4 ? `dot(${a}, ${b})` : `${a} * ${b}`;
}

type Body = (writer: KernelWriter, access: Access) => void;

function drafted(
  task: Task,
  sizes: Sizes,
  form: {
    readonly name: string;
    readonly how: string;
    readonly workgroup: number;
    readonly parameters: readonly Parameter[];
    readonly grid: readonly [number, number, number];
  },
  body: Body,
): Draft {
  const { batch, queries, keys, heads, depth, causal, biased } = sizes;
  const writer = new KernelWriter();
  body(writer, new Access(task, sizes, writer));
  const what = `attend: ${batch} times ${queries} queries to ${keys} keys, ${heads} heads of ${depth} channels${causal ? ", query i sees the keys 0 to i" : ""}${biased ? ", a bias a score" : ""}`;
  return {
    name: `attend${form.name}_${batch}x${queries}x${keys}_${heads}heads_${depth}${causal ? "_directed" : ""}${biased ? "_biased" : ""}_${task.result.dtype}`,
    source: writer.finish(`${what}; ${form.how}.`, [form.workgroup, 1, 1], form.parameters, form.grid),
  };
}

/** A thread a query: `i` counts them, and the body says which n, head and s that is. */
function threadAQuery(task: Task, sizes: Sizes, form: { readonly name: string; readonly how: string }, body: Body): Draft {
  const threads = sizes.batch * sizes.queries * sizes.heads;
  const { index, grid } = countedThreads(threads, 64);
  const parameters = ["id"] as const;
  return drafted(task, sizes, { ...form, how: `a thread a query, ${form.how}`, workgroup: 64, parameters, grid }, (writer, access) => {
    writer.lines.push(`let i = ${index};`, `if (i >= ${threads}u) { return; }`);
    body(writer, access);
  });
}

/** Attention along time, and to short texts: a thread has one query's scores in registers and meets no masked key. */
function fewKeys(task: Task, sizes: Sizes): Draft {
  const { batch, keys, heads, depth, causal, biased, lanes } = sizes;
  return threadAQuery(task, sizes, { name: "_few", how: "its scores in registers" }, (writer, access) => {
    // Neighbours share the query's number, so that a directed one's loops end together.
    writer.lines.push(`let head = i % ${heads}u;`, `let n = (i / ${heads}u) % ${batch}u;`, `let s = i / ${heads * batch}u;`);
    writer.lines.push(causal ? `let seen = min(s + 1u, ${keys}u);` : `let seen = ${keys}u;`);
    writer.lines.push(`var score: array<f32, ${keys}>;`);
    const places = depth / lanes;
    writer.block(`for (var c = 0u; c < ${places}u; c++)`, () => {
      writer.lines.push(`let q = ${access.read(0, "s", "c")};`);
      writer.block("for (var t = 0u; t < seen; t++)", () =>
        writer.lines.push(`score[t] += ${product(sizes, "q", access.read(1, "t", "c"))};`),
      );
    });
    const scale = literal(1 / Math.sqrt(depth));
    if (biased)
      writer.block("for (var t = 0u; t < seen; t++)", () => writer.lines.push(`score[t] = score[t] * ${scale} + ${access.bias("t")};`));
    writer.lines.push("var largest = score[0];", "for (var t = 1u; t < seen; t++) { largest = max(largest, score[t]); }", "var sum = 0.0;");
    // Without a bias the scale waits for the exponent, where it costs no pass of its own.
    const exponent = biased ? "score[t] - largest" : `(score[t] - largest) * ${scale}`;
    writer.lines.push(`for (var t = 0u; t < seen; t++) { score[t] = exp(${exponent}); sum += score[t]; }`);
    writer.block(`for (var c = 0u; c < ${places}u; c++)`, () => {
      writer.lines.push(`var mixed = ${lanes === 4 ? "vec4<f32>" : "f32"}(0.0);`);
      writer.block("for (var t = 0u; t < seen; t++)", () => writer.lines.push(`mixed += score[t] * ${access.read(2, "t", "c")};`));
      access.write("c", writer.name("mixed / sum"));
    });
  });
}

/** A thread a query; keys pass by one after another, and what was summed is scaled down whenever a larger score comes. */
function manyKeys(task: Task, sizes: Sizes): Draft {
  const { queries, keys, heads, depth, causal, biased, lanes } = sizes;
  return threadAQuery(task, sizes, { name: "", how: "softmax corrected key by key" }, (writer, access) => {
    writer.lines.push(`let s = i % ${queries}u;`, `let head = (i / ${queries}u) % ${heads}u;`, `let n = i / ${heads * queries}u;`);
    const places = Array.from({ length: depth / lanes }, (_, c) => c);
    const scale = literal(1 / Math.sqrt(depth));
    for (const c of places) writer.lines.push(`let q${c} = ${access.read(0, "s", `${c}u`)} * ${scale};`, `var a${c} = q${c} * 0.0;`);
    writer.lines.push("var largest = -3.0e38;", "var sum = 0.0;");
    writer.block(`for (var t = 0u; t < ${causal ? `min(s + 1u, ${keys}u)` : `${keys}u`}; t++)`, () => {
      writer.lines.push("var score = 0.0;");
      for (const c of places) writer.lines.push(`score += ${product(sizes, `q${c}`, access.read(1, "t", `${c}u`))};`);
      if (biased) writer.lines.push(`score += ${access.bias("t")};`);
      writer.block("if (score > largest)", () => {
        writer.lines.push("let keep = exp(largest - score);", "sum *= keep;", "largest = score;");
        for (const c of places) writer.lines.push(`a${c} *= keep;`);
      });
      writer.lines.push("let weight = exp(score - largest);", "sum += weight;");
      for (const c of places) writer.lines.push(`a${c} += weight * ${access.read(2, "t", `${c}u`)};`);
    });
    for (const c of places) access.write(`${c}u`, writer.name(`a${c} / sum`));
  });
}

/** As with many keys, but four at a time: each thread of a quad loads one of them and hands it round. */
function quadKeys(task: Task, sizes: Sizes): Draft {
  const { batch, queries, keys, heads, depth, causal, biased } = sizes;
  const form = {
    name: "_quads",
    how: "a thread a query, four keys at a time, each loaded by one of four threads, softmax corrected as they go",
    workgroup: queriesOfQuads,
    parameters: ["local", "lane", "workgroup"] as const,
    grid: [Math.ceil(queries / queriesOfQuads), heads, batch] as const,
  };
  return drafted(task, sizes, form, (writer, access) => {
    writer.enable("subgroups");
    writer.lines.push("let head = workgroup.y;", "let n = workgroup.z;");
    writer.lines.push(`let wanted = workgroup.x * ${queriesOfQuads}u + local.x;`, `let s = min(wanted, ${queries - 1}u);`);
    const places = Array.from({ length: depth / 4 }, (_, c) => c);
    const four = [0, 1, 2, 3];
    const scale = literal(1 / Math.sqrt(depth));
    for (const c of places) writer.lines.push(`let q${c} = ${access.read(0, "s", `${c}u`)} * ${scale};`, `var a${c} = vec4<f32>(0.0);`);
    writer.lines.push("var largest = -3.0e38;", "var sum = 0.0;");
    writer.block(`for (var t0 = 0u; t0 < ${keys}u; t0 += 4u)`, () => {
      writer.lines.push(`let t = min(t0 + lane % 4u, ${keys - 1}u);`, "var score = vec4<f32>(0.0);");
      for (const c of places) {
        writer.lines.push(`let k${c} = ${access.read(1, "t", `${c}u`)};`);
        writer.lines.push(`score += vec4<f32>(${four.map((j) => `dot(q${c}, quadBroadcast(k${c}, ${j}u))`).join(", ")});`);
      }
      if (biased) writer.lines.push(`score += ${biasOfFour(access, keys)};`);
      const places4 = "vec4<u32>(t0, t0 + 1u, t0 + 2u, t0 + 3u)";
      if (keys % 4 !== 0) writer.lines.push(`score = select(vec4<f32>(-3.0e38), score, ${places4} < vec4<u32>(${keys}u));`);
      if (causal) writer.lines.push(`score = select(vec4<f32>(-3.0e38), score, ${places4} <= vec4<u32>(s));`);
      writer.lines.push("let top = max(largest, max(max(score.x, score.y), max(score.z, score.w)));", "let keep = exp(largest - top);");
      writer.lines.push("let weight = exp(score - vec4<f32>(top));", "largest = top;", "sum = sum * keep + dot(weight, vec4<f32>(1.0));");
      for (const c of places) {
        writer.lines.push(`let v${c} = ${access.read(2, "t", `${c}u`)};`);
        const mixed = four.map((j) => `weight[${j}] * quadBroadcast(v${c}, ${j}u)`).join(" + ");
        writer.lines.push(`a${c} = a${c} * keep + ${mixed};`);
      }
    });
    writer.block(`if (wanted < ${queries}u)`, () => {
      for (const c of places) access.write(`${c}u`, writer.name(`a${c} / sum`));
    });
  });
}

/** Of the keys from t0 on; one beyond the last takes the last's, and is masked. */
function biasOfFour(access: Access, keys: number): string {
  if (keys % 4 === 0) return access.bias("t0", "(t0 / 4u)");
  return `vec4<f32>(${[0, 1, 2, 3].map((j) => access.bias(`min(t0 + ${j}u, ${keys - 1}u)`)).join(", ")})`;
}

/** Sixteen queries a workgroup, sixteen threads a query: scores of sixteen keys at a time in the workgroup's memory, channels shared out. */
function manyChannels(task: Task, sizes: Sizes): Draft {
  const { batch, queries, keys, heads, depth, causal, biased, lanes } = sizes;
  const form = {
    name: "_wide",
    how: "sixteen queries a workgroup, sixteen keys at a time, softmax corrected as it goes",
    workgroup: 256,
    parameters: ["local", "workgroup"] as const,
    grid: [Math.ceil(queries / 16), heads, batch] as const,
  };
  return drafted(task, sizes, form, (writer, access) => {
    const places = depth / lanes;
    const own = Math.ceil(places / 16);
    writer.share("scores", 256);
    writer.lines.push("let lid = local.x;", "let part = lid % 16u;", `let head = workgroup.y;`, "let n = workgroup.z;");
    writer.lines.push("let wanted = workgroup.x * 16u + lid / 16u;", `let s = min(wanted, ${queries - 1}u);`);
    const type = lanes === 4 ? "vec4<f32>" : "f32";
    for (let m = 0; m < own; m++) writer.lines.push(`var a${m} = ${type}(0.0);`, `let c${m} = min(part + ${16 * m}u, ${places - 1}u);`);
    writer.lines.push("var largest = -3.0e38;", "var sum = 0.0;");
    writer.block(`for (var t0 = 0u; t0 < ${keys}u; t0 += 16u)`, () => {
      writer.lines.push(`let t = min(t0 + part, ${keys - 1}u);`, "var score = 0.0;");
      writer.block(`for (var c = 0u; c < ${places}u; c++)`, () =>
        writer.lines.push(`score += ${product(sizes, access.read(0, "s", "c"), access.read(1, "t", "c"))};`),
      );
      const bias = biased ? ` + ${access.bias("t")}` : "";
      const visible = `t0 + part < ${keys}u${causal ? " && t0 + part <= s" : ""}`;
      writer.lines.push(
        "workgroupBarrier();",
        `scores[lid] = select(-3.0e38, score * ${literal(1 / Math.sqrt(depth))}${bias}, ${visible});`,
        "workgroupBarrier();",
      );
      writer.lines.push("var top = largest;", "for (var j = 0u; j < 16u; j++) { top = max(top, scores[lid / 16u * 16u + j]); }");
      writer.lines.push("let keep = exp(largest - top);", "largest = top;", "sum *= keep;");
      for (let m = 0; m < own; m++) writer.lines.push(`a${m} *= keep;`);
      writer.block("for (var j = 0u; j < 16u; j++)", () => {
        writer.lines.push(
          "let weight = exp(scores[lid / 16u * 16u + j] - largest);",
          "sum += weight;",
          `let u = min(t0 + j, ${keys - 1}u);`,
        );
        for (let m = 0; m < own; m++) writer.lines.push(`a${m} += weight * ${access.read(2, "u", `c${m}`)};`);
      });
    });
    for (let m = 0; m < own; m++) {
      writer.block(`if (wanted < ${queries}u && part + ${16 * m}u < ${places}u)`, () => access.write(`c${m}`, writer.name(`a${m} / sum`)));
    }
  });
}
