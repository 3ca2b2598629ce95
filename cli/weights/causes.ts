/** Tensors and weights that have no counterpart to what they most likely are: names and sizes that people's checkpoints are known by. */

import { counted } from "../checkpoint/names.ts";
import type { Misshapen, Stored } from "./match.ts";

interface Kind {
  readonly keys: RegExp;
  /** What tensors of such keys are, in the plural. */
  readonly are: string;
  /** What to do where a checkpoint has nothing else. */
  readonly way?: string;
}

/** The first that fits counts. */
const kinds: readonly Kind[] = [
  { keys: /(^|\.)loss\.|discriminator/, are: "of the loss that the autoencoder was trained by" },
  {
    keys: /(^|[._])lora[._]|lora_(unet|te\d?|transformer)_|\.(hada|lokr)_|\.dora_scale$|^[^.]*\.alpha$/,
    are: "LoRA factors",
    way: "they change a checkpoint that is given beside them: `--weights CHECKPOINT --lora FILE`",
  },
  {
    keys: /optimizer|exp_avg|momentum_buffer|(^|\.)(lr_schedulers|grad_scaler|loops|callbacks)(\.|$)/,
    are: "states of the optimizer",
    way: "give the file of the weights that was saved beside them",
  },
  {
    keys: /(^|\.)(betas|alphas_cumprod(_prev)?|sqrt_\w*alphas_cumprod\w*|log_one_minus_alphas_cumprod|posterior_\w+|lvlb_weights|logvar|scale_factor|sigmas|log_sigmas)$/,
    are: "the noise levels of its training, which the model's sampler says by itself",
  },
  { keys: /^(model_)?ema(_model)?[./]/, are: "averages (EMA) of the weights" },
  { keys: /position_ids$/, are: "a list of counting numbers" },
  { keys: /(^|\.)(text_projection|logit_scale|visual_projection)(\.weight)?$/, are: "of CLIP's comparison with pictures" },
  { keys: /(^|[./])(visual|vision_model|image_encoder|cond_stage_model\.model\.visual)\./, are: "of CLIP's image encoder" },
  { keys: /motion_modules|temporal_transformer/, are: "AnimateDiff's motion modules" },
  {
    keys: /(^|\.)(control_model|controlnet\w*|zero_convs|input_hint_block|controlnet_cond_embedding)\./,
    are: "of a ControlNet",
    way: "give the checkpoint of the model that it controls",
  },
  { keys: /safety_checker|special_care_embeds|concept_embeds/, are: "of the safety checker" },
  {
    keys: /^(string_to_param|emb_params|clip_[gl])/,
    are: "words of textual inversion",
    way: "give the checkpoint that they were made for",
  },
  { keys: /num_batches_tracked$|running_(mean|var)$/, are: "batch statistics" },
  { keys: /^(text_encoder_2|conditioner\.embedders)/, are: "of Stable Diffusion XL's text encoders" },
  {
    keys: /(^|\.)(double_blocks|single_blocks|single_transformer_blocks)\./,
    are: "of a FLUX transformer",
    way: "there is no U-Net in it: write its architecture as a model",
  },
  {
    keys: /(^|\.)joint_blocks\./,
    are: "of Stable Diffusion 3's transformer",
    way: "there is no U-Net in it: write its architecture as a model",
  },
  {
    keys: /^(unet[./])?(down_blocks|up_blocks|mid_block|time_embedding|conv_in|conv_out|conv_norm_out)\./,
    are: "keys of a diffusers U-Net",
  },
  { keys: /^(vae[./])?(encoder|decoder|quant_conv|post_quant_conv)\./, are: "keys of an autoencoder" },
  { keys: /^(model\.)?(diffusion_model\.)?(input_blocks|output_blocks|middle_block|time_embed|out)\./, are: "keys of a CompVis U-Net" },
  { keys: /^first_stage_model\./, are: "keys of a CompVis autoencoder" },
  { keys: /^cond_stage_model\./, are: "keys of a CompVis text encoder" },
  {
    keys: /(^|[./])(text_model\.|transformer\.resblocks\.|token_embedding|positional_embedding|ln_final)/,
    are: "keys of CLIP's text encoder",
  },
];

const unknown: Kind = { keys: /(?:)/, are: "" };

export interface Group {
  readonly keys: readonly string[];
  /** Empty where nothing is known of them. */
  readonly are: string;
  readonly way: string | undefined;
}

/** Keys by what they are, the largest group first. */
export function groupsOf(keys: Iterable<string>): readonly Group[] {
  const groups = new Map<Kind, string[]>();
  for (const key of keys) {
    const kind = kinds.find((one) => one.keys.test(key)) ?? unknown;
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [key]);
    else group.push(key);
  }
  return [...groups].map(([{ are, way }, some]) => ({ keys: some, are, way })).sort((a, b) => b.keys.length - a.keys.length);
}

/** What a checkpoint is that holds weights of no such model, and the way out. */
export function causeOfForeign(tensors: ReadonlyMap<string, Stored>, layouts: readonly string[]): string {
  const [most] = groupsOf(tensors.keys());
  const known = `the model's layouts are ${layouts.map((name) => `\`${name}\``).join(", ")}`;
  if (most === undefined || most.are === "") return `give a checkpoint of this model: ${known}`;
  return `they are ${most.are}; ${most.way ?? `give a checkpoint of this model, or declare a layout of such keys: ${known}`}`;
}

/** Sizes by which an axis is known: of which model, and what it counts. */
const sizes: readonly { readonly axis: "last" | "channels"; readonly size: number; readonly is: string }[] = [
  { axis: "last", size: 768, is: "the text width of Stable Diffusion 1" },
  { axis: "last", size: 1024, is: "the text width of Stable Diffusion 2" },
  { axis: "last", size: 2048, is: "the text width of Stable Diffusion XL" },
  { axis: "channels", size: 9, is: "what an inpainting model takes: latent, mask and masked picture" },
  {
    axis: "channels",
    size: 8,
    is: "what a model takes that edits or enlarges pictures, or goes on from a first frame: the latent and a picture's",
  },
  { axis: "channels", size: 5, is: "what a depth-guided model takes: the latent and a depth map" },
];

/** Why a tensor has another shape, where that can be told. */
export function causeOfShape({ key, expected, found, weight }: Misshapen): string | undefined {
  if (expected.length === 2 && expected.toReversed().join() === found.join())
    return "it is transposed: rows are outputs here, as PyTorch has them";
  if (found.length === 5 && expected.length === 4) return "its convolutions are three-dimensional: it is a video model's";
  if (found.length !== expected.length) return undefined;
  const differing = found.flatMap((size, axis) => (size === expected[axis] ? [] : [axis]));
  const [axis, ...more] = differing;
  if (axis === undefined || more.length > 0) return undefined;
  const [size, here] = [found[axis] ?? 0, expected[axis] ?? 0];
  if (weight.axes?.[axis] === "F") return `it was trained on ${size} frames, and this is ${here}: \`--set F=${size}\``;
  const last = axis === found.length - 1 && found.length === 2;
  const channels = axis === 1 && found.length === 4 && /conv_in|input_blocks\.0\.0|stem/.test(`${key} ${weight.path}`);
  const kind = sizes.find((one) => one.size === size && (one.axis === "last" ? last : channels));
  return kind && `its ${size} is ${kind.is}, and the model's is ${here}`;
}

/** The most names that a sentence lists. */
const mostListed = 12;

/** How names are brought together that are too many to list: those that differ in numbers alone, then those that begin and end alike. */
const forms: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.replace(/\d+/g, "*"),
  (name) => name.replace(/^([^./]+[./]).+([./][^./]+\.[^./]+)$/, "$1…$2"),
];

/** `3 tensors (a, b, c)`, or their forms: `24 tensors (down.*.bias, mid.bias)`, `262 tensors (unet.….adaptor.scale, …)`. */
export function listed(names: readonly string[]): string {
  const tried = forms.map((form) => [...new Set(names.map(form))]);
  const [last = []] = tried.slice(-1);
  const shown = tried.find((some) => some.length <= mostListed) ?? last;
  const more = shown.length - mostListed;
  const some = shown.slice(0, mostListed).join(", ");
  return `${counted(names.length, "tensor")} (${some}${more > 0 ? ` and ${more} more such` : ""})`;
}
