/** The rows of the table of errors that training alone can meet: what is wrong with its data, its folder and its numbers. */

/** The sentence of an error, and the way out. */
export interface ErrorRow<F> {
  readonly message: (fields: F) => string;
  readonly hint: (fields: F) => string;
}

export interface TrainingFields {
  readonly "data-invalid": { readonly data: string; readonly reason: string; readonly way: string };
  readonly "not-trainable": { readonly reason: string; readonly way: string };
  /** Of a model or a data set whose clips no measure can be taken of. */
  readonly "not-evaluable": { readonly reason: string; readonly way: string };
  readonly "run-exists": { readonly folder: string };
  readonly "run-absent": { readonly folder: string };
  /** `what` a run was started with. */
  readonly "run-differs": { readonly folder: string; readonly what: string; readonly expected: string; readonly found: string };
  readonly "run-damaged": { readonly file: string; readonly reason: string };
  /** `where` the first value came from that is none. */
  readonly "training-not-finite": { readonly stage: string; readonly step: number; readonly where: string; readonly kept: string };
  /** `what` of a stage's graph a graphics device does not hold. */
  readonly "training-limit": {
    readonly stage: string;
    readonly what: string;
    readonly limit: string;
    readonly needed: number;
    readonly found: number;
  };
  /** `what` a study was begun with. */
  readonly "study-differs": { readonly folder: string; readonly what: string; readonly expected: string; readonly found: string };
  readonly "study-damaged": { readonly file: string };
  readonly "training-failed": { readonly stage: string; readonly reason: string };
  readonly "torch-missing": { readonly reason: string; readonly way: string };
  /** `log` is the file of all that PyTorch wrote of it. */
  readonly "torch-failed": { readonly reason: string; readonly log: string };
}

export const trainingRows: { readonly [C in keyof TrainingFields]: ErrorRow<TrainingFields[C]> } = {
  "data-invalid": { message: (f) => `${f.data}: ${f.reason}`, hint: (f) => f.way },
  "not-trainable": { message: (f) => f.reason, hint: (f) => f.way },
  "not-evaluable": { message: (f) => f.reason, hint: (f) => f.way },
  "run-exists": {
    message: (f) => `${f.folder} holds a training run`,
    hint: () => "go on with it by `--resume`, or give -o another folder",
  },
  "run-absent": { message: (f) => `${f.folder} holds no training run to go on with`, hint: () => "leave `--resume` out to begin one" },
  "run-differs": {
    message: (f) => `the run in ${f.folder} was started with ${f.what} ${f.expected}, and this is ${f.found}`,
    hint: () => "give it what it was started with, or begin another run by -o another folder",
  },
  "run-damaged": {
    message: (f) => `${f.file} is not a sound checkpoint of a run: ${f.reason}`,
    hint: () =>
      "begin the run again in another folder; `--weights` of the damaged run's weights.safetensors starts where it was, without what the optimizer knew",
  },
  "training-not-finite": {
    message: (f) => `training stopped in stage "${f.stage}" at step ${f.step}: ${f.where}`,
    hint: (f) => `${f.kept}; a lower learning rate, a longer warm-up or clipped gradients may help`,
  },
  "training-limit": {
    message: (f) => `\`${f.what}\` of stage "${f.stage}" needs ${f.needed} of the graphics device's ${f.limit}, but it grants ${f.found}`,
    hint: (f) => `run the stage by itself with a smaller batch, \`--stage ${f.stage} --batch …\`, or train by \`--engine onnx\``,
  },
  "study-differs": {
    message: (f) => `${f.folder} was begun with ${f.what} ${f.expected}, and this is ${f.found}`,
    hint: () => "give it what it was begun with, or begin another study by -o another folder",
  },
  "study-damaged": {
    message: (f) => `${f.file} is not what \`mvc ablate\` writes`,
    hint: () => "remove it: a cell whose result is gone is measured again; or begin another study by -o another folder",
  },
  "training-failed": {
    message: (f) => `the engine failed in stage "${f.stage}": ${f.reason}`,
    hint: (f) => `if memory ran out, run it with a smaller batch, \`--stage ${f.stage} --batch …\`; else report it`,
  },
  "torch-missing": { message: (f) => f.reason, hint: (f) => f.way },
  "torch-failed": {
    message: (f) => `train.py ended before it was done: ${f.reason}`,
    hint: (f) => `${f.log} has all that it wrote; the same command with \`--resume\` goes on from the last checkpoint`,
  },
};
