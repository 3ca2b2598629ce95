/** index.html to a page that samples: a submitted form becomes a clip in the player, or one sentence that says why not. */

import { reasonOf } from "../runtime/errors.ts";
import { mvcError, type SampledClip, type TruncatedPrompt } from "../runtime/web/index.ts";
import { element, withText } from "./elements.ts";
import { createEngine } from "./engine.ts";
import { createForm, type WishForm } from "./form.ts";
import { fragmentOf, uncarried, wishOf } from "./link.ts";
import { type ModelEntry, parseSite } from "./models.ts";
import { ordersOf, promptInWords, wordsOf } from "./order.ts";
import { createPlayer } from "./player.ts";
import { cutOf, isMvcError, problemOf } from "./problem.ts";
import { type FileKind, fileName, save } from "./save.ts";
import { duration } from "./stages.ts";
import { createStudio, type Studio } from "./studio.ts";
import { elsewhere, type Missing, support } from "./support.ts";
import { createTrainingClips } from "./training-clips.ts";
import type { Order, Wish } from "./wish.ts";
import { createWorkView } from "./work-view.ts";

const go = element("go", HTMLButtonElement);
const cancel = element("cancel", HTMLButtonElement);
const status = element("status", HTMLElement);
const problem = element("problem", HTMLElement);
const player = createPlayer();
const work = createWorkView();
let running: AbortController | undefined;
let keeping: number | undefined;
let shown: { readonly clip: SampledClip; readonly order: Order } | undefined;

async function start(): Promise<void> {
  for (const kind of ["gif", "mp4"] as const) element(kind, HTMLButtonElement).addEventListener("click", () => saveAs(kind));
  try {
    const site = parseSite(await textOfSite());
    const { models } = site;
    const way = await support(site.engine !== null);
    const engine = "by" in way && way.by === "onnx" && site.engine !== null ? createEngine(site.engine) : undefined;
    const bytesOf = ({ bytes, onnxBytes }: ModelEntry) => (engine === undefined ? bytes : (onnxBytes ?? 0) + engine.bytes);
    const form = createForm(models, bytesOf, keepInAddress, createTrainingClips().show);
    const studio = createStudio(engine);
    const follow = () => {
      const { faults, ...linked } = wishOf(location.hash.slice(1), models);
      form.fill(linked);
      if (faults.length > 0) showFaults(faults);
    };
    follow();
    window.addEventListener("hashchange", follow);
    element("form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (running === undefined && !go.disabled) sample(studio, form);
    });
    cancel.addEventListener("click", stop);
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") stop();
    });
    element("link", HTMLButtonElement).addEventListener("click", () => {
      if (element("form", HTMLFormElement).reportValidity()) copyLink(form.wish());
    });
    if ("what" in way) return showMissing(way);
    if (way.notice !== undefined) show("slow", way.notice);
    go.disabled = false;
  } catch (error) {
    showProblem(error);
  }
}

async function textOfSite(): Promise<string> {
  const unreadable = (reason: string) => mvcError("file-unreadable", { file: "models.json", reason });
  const response = await fetch("models.json").catch((error: unknown) => {
    throw unreadable(reasonOf(error));
  });
  if (!response.ok) throw unreadable(`the server answers ${response.status}`);
  return response.text();
}

async function sample(studio: Studio, form: WishForm): Promise<void> {
  const controller = new AbortController();
  const started = performance.now();
  running = controller;
  problem.hidden = true;
  for (const id of ["copied", "cut"]) element(id, HTMLElement).hidden = true;
  cancel.textContent = "Cancel";
  swap(go, cancel);
  work.begin();
  try {
    const order = await form.order();
    const cut = new Set<string>();
    const tellCut = (prompt: TruncatedPrompt) => show("cut", [...cut.add(cutOf(prompt))].join(" "));
    const clips: SampledClip[] = [];
    for (const own of ordersOf(order)) {
      const of = order.beside.length === 0 ? undefined : own.model.name;
      clips.push(await studio.sample(own, controller.signal, (stage) => work.report(stage, of), tellCut));
    }
    const [clip, ...others] = clips;
    if (clip === undefined) return;
    form.show(clip, order);
    showClip(clip, others, order, (performance.now() - started) / 1000);
  } catch (error) {
    if (isMvcError(error) && error.code === "aborted") status.textContent = "Stopped.";
    else showProblem(error);
  } finally {
    running = undefined;
    work.end();
    swap(cancel, go);
  }
}

function stop(): void {
  if (running === undefined) return;
  running.abort();
  cancel.textContent = "Stopping";
}

/** Once a pause is made: browsers refuse to change the address at every key. */
function keepInAddress(wish: Wish): void {
  clearTimeout(keeping);
  keeping = window.setTimeout(() => history.replaceState(null, "", `#${fragmentOf(wish)}`), 300);
}

async function copyLink(wish: Wish): Promise<void> {
  const link = `${location.href.split("#", 1)[0]}#${fragmentOf(wish)}`;
  history.replaceState(null, "", link);
  const copied = await navigator.clipboard.writeText(link).then(
    () => true,
    () => false,
  );
  const missing = uncarried(wish.start);
  const all = missing.length === 0 ? "all that is set here" : `all that is set here but the ${missing.join(" and the ")}`;
  const rest = missing.length === 0 ? "" : `: whoever opens it is asked for ${missing.length === 1 ? "one" : "them"}`;
  show("copied", `${copied ? "The link is copied. It" : "The link is this page's address now. It"} has ${all}${rest}.`);
}

/** One button in another's place; the keyboard's focus moves along. */
function swap(from: HTMLButtonElement, to: HTMLButtonElement): void {
  const focused = document.activeElement === from;
  from.hidden = true;
  to.hidden = false;
  if (focused) to.focus();
}

/** The others are those of the models beside, in their order. */
function showClip(clip: SampledClip, others: readonly SampledClip[], order: Order, seconds: number): void {
  shown = { clip, order };
  const { model, beside, seed, steps, guidance } = order;
  element("empty", HTMLElement).hidden = true;
  element("controls", HTMLElement).hidden = false;
  element("caption", HTMLElement).textContent = [
    promptInWords(order),
    model.name,
    `seed ${seed}`,
    `${steps} ${steps === 1 ? "step" : "steps"}`,
    `guidance ${guidance}`,
    ...wordsOf(order),
    `made in ${duration(seconds)}`,
  ].join(" · ");
  const described = (of: SampledClip) => `Clip of ${promptInWords(order)}, ${of.frameCount} frames`;
  const companions = others.map((other, i) => {
    const name = beside[i]?.name ?? "";
    return { clip: other, name, description: `${described(other)}, by ${name}` };
  });
  player.show(clip, described(clip), companions);
  status.textContent = `The clip is ready: ${clip.frameCount} frames.`;
  element("stage", HTMLElement).scrollIntoView({ block: "nearest" });
}

async function saveAs(kind: FileKind): Promise<void> {
  if (shown === undefined) return;
  const { clip, order } = shown;
  const button = element(kind, HTMLButtonElement);
  button.setAttribute("aria-busy", "true");
  try {
    const name = fileName(order.prompt, order.seed, kind);
    await save(clip, kind, name, order);
    status.textContent = `Saved as ${name}.`;
  } catch (error) {
    showProblem(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function showProblem(thrown: unknown): void {
  const { what, hint } = problemOf(thrown, navigator.onLine);
  showNotice(what, hint);
}

function showFaults(faults: readonly string[]): void {
  const them = faults.length === 1 ? "it" : "them";
  showNotice(`The link says ${faults.join(", ")}, which this page cannot do.`, `The fields have what they had instead of ${them}.`);
}

function showNotice(what: string, hint: string): void {
  element("problem-what", HTMLElement).textContent = what;
  element("problem-hint", HTMLElement).textContent = hint;
  problem.hidden = false;
}

function show(id: string, text: string): void {
  const line = element(id, HTMLElement);
  line.textContent = text;
  line.hidden = false;
}

function showMissing({ what, why, ways }: Missing): void {
  const list = document.createElement("ul");
  list.append(...ways.map((way) => withText("li", way)));
  const notice = element("missing", HTMLElement);
  notice.replaceChildren(withText("h2", what), withText("p", why), list, withText("p", elsewhere));
  notice.hidden = false;
  element("sampling", HTMLElement).hidden = true;
  element("gallery", HTMLElement).hidden = false;
}

await start();
