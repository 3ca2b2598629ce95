#!/usr/bin/env node
/** The command line: words to one of the commands, each loaded only when it is called. */

import { Command, Option } from "commander";
import { defaultOpset, opsets } from "../compiler/targets/onnx/opsets.ts";
import { windowOrders } from "../runtime/clips/plan.ts";
import { longPrompts } from "../runtime/prompt.ts";
import { launchers } from "./ablate/launch/launch.ts";
import { pictureSize, withFilms } from "./dataset-flags.ts";
import { number, wholeNumber } from "./numbers.ts";
import { collect, conditionInput, list, lora, promptAt, setting, targets } from "./option-values.ts";
import { cuts } from "./report/figures.ts";
import { samplingOptions, withSampling } from "./sampling-options.ts";
import { finish } from "./terminal.ts";
import { version } from "./version.ts";

const clipFile = ".gif, a folder of .png or .safetensors; several .png by giving it several times";

/** How weights are read that other programs wrote, which `build`, `import` and `export` share. */
function withCheckpoint(command: Command, seed: string): Command {
  return command
    .option("--ema", "the averages of the weights that a checkpoint has beside them")
    .option(
      "--lora <file[:strength]>",
      "a LoRA to merge into the weights, at strength 1 where none is given; may be given several times",
      lora,
    )
    .addOption(new Option("--init <seed>", seed).argParser(wholeNumber));
}

/** The choices that say which weights a model has. */
function withModel(command: Command): Command {
  return command
    .option("--model <name>", "which model, where the file declares several")
    .option("--preset <name>", "sizes and settings that the file declares, such as Mini")
    .option("--ablation <name>", "a change that the file declares; may be given several times", collect)
    .option("--set <name=value>", "a dim or param, over the preset and the ablations; may be given several times", setting);
}

/** The choices that `report` and `build` share. */
function withChoices(command: Command): Command {
  return withModel(command).addOption(new Option("--precision <type>", "what `float` means").choices(["f32", "f16"]).default("f32"));
}

/** The tensors of one graph, which `run` and `diff` share. */
function withInputs(command: Command): Command {
  return command
    .option("--inputs <file>", "the graph's inputs by name (.safetensors)")
    .addOption(new Option("--random <seed>", "random numbers for the inputs that nothing else gives").argParser(wholeNumber))
    .option("--prompt <text>", "a text for what the graph reads of it, encoded where it is taken so");
}

const program = new Command("mvc")
  .description("Compiles video-diffusion models written in .mv to graphs that run anywhere, and samples clips from them.")
  .version(version)
  .showHelpAfterError("(`mvc --help` shows the commands)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Examples:
  mvc check models/magicvideo.mv
  mvc report models/magicvideo.mv --ablation NoAdaptor
  mvc build models/magicvideo.mv --preset Mini --weights models/mini.safetensors -o out/mini
  mvc import sd-v1.safetensors models/magicvideo.mv -o magicvideo.safetensors
  mvc sample out/mini "a red circle moves right" -o clip.gif
  mvc train models/magicvideo.mv --preset Mini --data moving-shapes --minutes 90 -o out/run
  mvc eval out/mini --data moving-shapes -o out/eval.json

Exit codes: 0 done, 1 an error in what was given (named on standard error), 2 wrong usage, 130 interrupted.`,
  );

program
  .command("check")
  .description("report errors in a model, from syntax to the shapes of every preset and ablation")
  .argument("<file>", "a .mv file")
  .option("--json", "print the diagnostics as JSON")
  .option("--watch", "check again whenever a file that was read changes, until it is interrupted")
  .action(async (file, options) => finish(await (await import("./commands/check.ts")).check(file, options)));

program
  .command("format")
  .description("rewrite files in the one style")
  .argument("<files...>", ".mv files")
  .option("--check", "change nothing; exit 1 if a file would change")
  .action(async (files, options) => finish(await (await import("./commands/format.ts")).format(files, options)));

withChoices(program.command("report"))
  .description("parameters, tensors, FLOPs and memory of a call and of a clip, by graph and by block, alone or against another model's")
  .argument("<file>", "a .mv file")
  .option(
    "--against <file>",
    "another .mv file, the same with other choices, or an ablation that the file declares; figures and ratios side by side, and what differs",
  )
  .option("--against-model <name>", "as --model, for what is compared with; so are the next three, and each alone means the same file")
  .option("--against-preset <name>", "as --preset")
  .option("--against-ablation <name>", "as --ablation; may be given several times", collect)
  .option("--against-set <name=value>", "as --set; may be given several times", setting)
  .option("--depth <n>", "how deep blocks are listed by path", wholeNumber, 3)
  .addOption(
    new Option("--by <what>", "rows by weight path, by declared block or by op (default: path; against another, each)").choices(cuts),
  )
  .option("--train", "what the stages of the training train and freeze, and what a step of each costs, in the place of graphs and clips")
  .option("--json", "print the report as JSON")
  .action(async (file, options) => finish(await (await import("./commands/report.ts")).report(file, options)));

withChoices(program.command("explain"))
  .description("print what each stage of the compiler makes of a model")
  .argument("<file>", "a .mv file")
  .addOption(new Option("--tokens", "the words and marks of the file").conflicts(["ast", "graph", "sampler", "timing"]))
  .addOption(new Option("--ast", "its syntax tree").conflicts(["graph", "sampler", "timing"]))
  .option("--graph <name>", "a graph, as the targets take it; without it, the stages of all graphs and what each leaves")
  .addOption(
    new Option("--after <stage>", "the graph as this stage left it, such as share-repeats or onnx/sink-reshapes").conflicts([
      "plan",
      "kernel",
    ]),
  )
  .addOption(new Option("--plan", "the graph's plan on WebGPU").conflicts("kernel"))
  .option("--kernel <name>", "a kernel of the graph's plan, as WGSL")
  .addOption(
    new Option("--sampler", "the noise levels that are visited, and what each step makes of the network's output").conflicts([
      "graph",
      "timing",
    ]),
  )
  .addOption(new Option("--train", "the stages of the training; with --graph, a loss").conflicts(["plan", "kernel", "sampler", "timing"]))
  .addOption(new Option("--timing", "milliseconds by stage").conflicts("graph"))
  .option("--limits <file>", "as for build", "default")
  .action(async (file, options) => finish(await (await import("./commands/explain.ts")).explain(file, options)));

withCheckpoint(
  withChoices(program.command("build"))
    .description("compile a model to a package: ONNX graphs, one weight file, typed bindings")
    .argument("<file>", "a .mv file")
    .option(
      "--weights <checkpoint>",
      "trained weights: the model's own, or a checkpoint as for `mvc import`; may be given several times",
      collect,
    )
    .option("--layout <name>", "how the checkpoint calls its weights (default: what its keys speak for)"),
  "random weights, as training starts from; beside --weights, of what the file lacks",
)
  .option(
    "--tokenizer <path>",
    "CLIP's or another, in place of what the model names: a tokenizer.json, vocab.json, the gzipped merges, or their folder",
  )
  .addOption(
    new Option("--target <list>", "what the package is for: onnx, webgpu, torch, or several")
      .argParser(targets)
      .default(["onnx", "webgpu"], "onnx,webgpu"),
  )
  .addOption(
    new Option("--opset <n>", `the version of ONNX's operators (default: ${defaultOpset}, from ONNX Runtime 1.17 on)`).choices(
      opsets.map(String),
    ),
  )
  .option("--weights-per-graph", "for engines that hold a graph's whole weight file: each graph has its own, beside the one of all")
  .option("--limits <file>", "what the devices allow, by WebGPU's names (.json); `default` is what every device grants", "default")
  .requiredOption("-o, --output <folder>", "where the package goes")
  .action(async (file, options) => finish(await (await import("./commands/build.ts")).build(file, options)));

withCheckpoint(
  withModel(program.command("import"))
    .description("turn a checkpoint of other programs into a model's own weights, bit for bit")
    .argument("<checkpoint>", "a file or a folder: safetensors, PyTorch's zip files, shards, a diffusers folder")
    .argument("<file>", "a .mv file")
    .option("--weights <checkpoint>", "one more, for what the first lacks or should not give; may be given several times", collect)
    .option("--layout <name>", "how the checkpoint calls its weights (default: what its keys speak for)"),
  "random weights, as training starts from, of what the checkpoint lacks",
)
  .requiredOption("-o, --output <file>", "where the weights go (.safetensors)")
  .action(async (checkpoint, file, options) =>
    finish(await (await import("./commands/import.ts")).importCheckpoint(checkpoint, file, options)),
  );

withModel(program.command("export"))
  .description("turn a model's weights into a checkpoint for other programs")
  .argument("<file>", "a .mv file")
  .requiredOption("--weights <checkpoint>", "the model's own weights, a package, or a checkpoint as for `mvc import`", collect)
  .requiredOption("--layout <name>", "how the checkpoint is to call its weights: a layout that the model declares")
  .requiredOption("-o, --output <path>", "where it goes: a file, or a folder where the layout has parts")
  .action(async (file, options) => finish(await (await import("./commands/export.ts")).exportCheckpoint(file, options)));

program
  .command("ops")
  .description("print the ops that a model may call: signatures, shapes and what each does; of one of them, all that is known")
  .argument("[name]", "an op, such as attend")
  .option("--markdown", "the page of reference, docs/ops.md")
  .action(async (name, options) => finish(await (await import("./commands/ops.ts")).ops(name, options)));

withFilms(withModel(program.command("train")))
  .description("train a model by the stages that it declares; a run that was stopped goes on by --resume, to the same weights")
  .argument("<file>", "a .mv file")
  .requiredOption("--data <name>", "captioned clips: moving-shapes, a folder, or a file that `mvc data` wrote")
  .option("--stage <name>", "only this stage; may be given several times (default: all, in their order)", collect)
  .addOption(
    new Option("--steps <n>", "of all stages that are run together, shared by the steps that they declare (default: those)").argParser(
      wholeNumber,
    ),
  )
  .addOption(
    new Option("--minutes <n>", "in place of steps: as many as fit, shared so too, counted after the first few have been timed")
      .argParser(number)
      .conflicts("steps"),
  )
  .option("--batch <n>", "clips a step, in all (default: what each stage declares)", wholeNumber)
  .option("--weights <checkpoint>", "what to start from, as for `mvc build`; may be given several times (default: random weights)", collect)
  .option("--layout <name>", "how the checkpoint calls its weights (default: what its keys speak for)")
  .option("--seed <n>", "of the weights to start from, and of all that is drawn: clips, noise, levels, dropped captions", wholeNumber, 0)
  .addOption(
    new Option("--engine <name>", "what computes the steps: the processor by ONNX Runtime, a graphics device, or PyTorch (docs/torch.md)")
      .choices(["onnx", "webgpu", "torch"])
      .default("onnx"),
  )
  .option("--python <command>", "of --engine torch: a Python that has PyTorch (default: python3)")
  .option(
    "--recompute",
    "compute blocks again in the backward pass instead of keeping them: less memory, about a quarter more time, the same weights",
  )
  .option("--save-every <steps>", "steps between two checkpoints (default: about a minute's)", wholeNumber)
  .option("--resume", "go on with the run in the folder, which must be of the same model, data, seed and batch")
  .requiredOption("-o, --output <folder>", "the run's folder: weights, checkpoint, metrics.jsonl, curves.svg, samples")
  .action(async (file, options) => finish(await (await import("./commands/train.ts")).train(file, options)));

withFilms(program.command("ablate"))
  .description(
    "train a model and its ablations alike, and report which is better at what; a study that was stopped goes on by the same command",
  )
  .argument("<file>", "a .mv file")
  .requiredOption("--data <name>", "captioned clips, as for `mvc train`")
  .option("--model <name>", "which model, where the file declares several")
  .option("--preset <name>", "sizes and settings that the file declares, such as Mini")
  .option("--set <name=value>", "a dim or param of all variants; may be given several times", setting)
  .option("--only <names>", "ablations beside the baseline, such as NoAdaptor,Series (default: all that the file declares)", list)
  .option("--stage <name>", "only this stage, in the variants that have it; may be given several times (default: all)", collect)
  .option(
    "--weights <checkpoint>",
    "what all trainings start from, as for `mvc train`; what it lacks is random by the seed (default: all is)",
    collect,
  )
  .option("--seeds <n>", "trainings of each variant; with one, no difference can be called real", wholeNumber, 3)
  .addOption(new Option("--steps <n>", "of each training, shared by its stages by the steps that they declare").argParser(wholeNumber))
  .addOption(
    new Option("--minutes <n>", "in place of steps: as many as the baseline's first training takes in them, for all")
      .argParser(number)
      .conflicts("steps"),
  )
  .option("--batch <n>", "clips a step, in all (default: what each stage declares)", wholeNumber)
  .option("--clips <n>", "prompts of each set that are measured, each with two noises", wholeNumber, 256)
  .addOption(
    new Option("--engine <name>", "what computes the steps, as for `mvc train`").choices(["onnx", "webgpu", "torch"]).default("onnx"),
  )
  .addOption(
    new Option(
      "--launch <name>",
      "of --engine torch: prepare the trainings for a scheduler, and gather what is done (docs/ablations.md)",
    ).choices(Object.keys(launchers)),
  )
  .option("--python <command>", "of --engine torch without --launch: a Python that has PyTorch (default: python3)")
  .requiredOption("-o, --output <folder>", "the study's folder: report.html, report.json, table.md, and a folder a training")
  .action(async (file, options) => finish(await (await import("./commands/ablate.ts")).ablate(file, options)));

withInputs(program.command("run"))
  .description("run one graph of a package on given tensors, a prompt or random numbers")
  .argument("<package>", "a folder that `mvc build` wrote")
  .argument("<graph>", "a graph of the package, such as encodeText")
  .requiredOption("-o, --output <file>", "where the outputs go (.safetensors)")
  .addOption(new Option("--backend <name>", "what computes").choices(["auto", "webgpu", "onnx", "reference"]).default("auto"))
  .action(async (folder, graph, options) => finish(await (await import("./commands/run.ts")).run(folder, graph, options)));

withSampling(program.command("sample"))
  .description("sample a clip from a prompt, and from what else the model takes")
  .argument("<package>", "a folder that `mvc build` wrote")
  .argument("[prompt]", "what the clip shows; left out where the model takes no text")
  .option(
    "--input <name=value>",
    "a condition: a number, a text, or a file (.png, .safetensors); may be given several times",
    conditionInput,
  )
  .option("--seed <n>", "the noise to start from", wholeNumber, 0)
  .option("--negative <text>", "what the clip is led away from, in place of the model's own unguided text")
  .addOption(
    new Option(
      "--long-prompt <way>",
      "with a prompt of more tokens than the model takes: an error, its end left out, or pieces where the model was built for several (default: error)",
    ).choices([...longPrompts]),
  )
  .option("--word-weights", "read `(word:1.3)` as a word that weighs more; else parentheses are text")
  .addOption(samplingOptions.guidance)
  .addOption(samplingOptions.rescale)
  .addOption(samplingOptions.interval)
  .addOption(samplingOptions.backend)
  .option("--threads <n>", "of ONNX Runtime (default: the processor's cores)", wholeNumber)
  .option(
    "--prompt-at <frame=text>",
    "in place of the prompt, for clips of several windows: what it shows from a frame on, between two of them a mixture; given several times",
    promptAt,
  )
  .option("--first-frame <file>", "the clip's first picture (.png); pictures of another size are cut about the middle and resized")
  .option("--last-frame <file>", "its last picture (.png)")
  .option("--from <file>", `video to video: ${clipFile}`, collect)
  .option("--strength <x>", "how far --from is noised before it is denoised, 0 to 1", number)
  .option("--continue <file>", `goes on from a clip: ${clipFile}`, collect)
  .option("--known <file>", `frames that stand in the clip as they are: ${clipFile}`, collect)
  .option("--at <frame>", "where the frames of --known begin (default: 0)", wholeNumber)
  .option("--mask <file>", "white where the clip is made anew within --known: one picture (.png), or one a frame", collect)
  .option("--length <n>", "frames (default: the model's own)", wholeNumber)
  .option("--overlap <n>", "frames that windows share, where the clip is longer than the model's (default: half a window)", wholeNumber)
  .addOption(new Option("--windows <order>", "how windows join: all at every step, or one after the other").choices([...windowOrders]))
  .option("--loop", "the last frame leads to the first")
  .option("--count <n>", "clips, with seeds counting up; as many at once as the package's batch holds", wholeNumber, 1)
  .option("--fps <n>", "frames a second", number, 8)
  .requiredOption("-o, --output <file>", "clip.gif, clip.mp4, clip.png for a contact sheet, or latent.safetensors")
  .action(async (folder, prompt, options) => finish(await (await import("./commands/sample.ts")).sample(folder, prompt, options)));

withFilms(
  withSampling(program.command("eval"))
    .description(
      "measure the clips of a package: what they show, how they move and flicker, how its autoencoder does; beside real clips and chance",
    )
    .argument("<package>", "a folder that `mvc build` wrote")
    .requiredOption("--data <name>", "whose captions are prompts: moving-shapes, a folder, or a file that `mvc data` wrote")
    .option("--clips <n>", "prompts of each set", wholeNumber, 64)
    .option("--seeds <n>", "clips of each prompt, each from noise of its own", wholeNumber, 1)
    .addOption(samplingOptions.guidance)
    .addOption(samplingOptions.rescale)
    .addOption(samplingOptions.interval)
    .addOption(samplingOptions.backend)
    .option("--threads <n>", "of ONNX Runtime (default: the processor's cores)", wholeNumber),
)
  .option("-o, --output <file>", "all values, clip by clip (.json)")
  .action(async (folder, options) => finish(await (await import("./commands/eval.ts")).evalPackage(folder, options)));

const probed = ["reference", "onnx", "webgpu"] as const;
withInputs(program.command("diff"))
  .description("run a graph by two backends and name the first node whose values part; exit 1 if there is one")
  .argument("<package>", "a folder that `mvc build` wrote")
  .argument("<graph>", "a graph of the package, such as step")
  .addOption(new Option("--backend <name>", "what is in question").choices(probed).default("webgpu"))
  .addOption(new Option("--against <name>", "what it is compared with").choices(probed).default("reference"))
  .option("--tolerance <x>", "largest difference, of a value's largest element (default: 1e-4, for packages of f16 2e-2)", number)
  .action(async (folder, graph, options) => finish(await (await import("./commands/diff.ts")).diff(folder, graph, options)));

program
  .command("bench")
  .description("time a graph on the graphics card, kernel by kernel, and beside ONNX Runtime")
  .argument("<package>", "a folder that `mvc build` wrote")
  .option("--graph <name>", "which graph (default: the sampler's step)")
  .option("--rounds <n>", "how often each is run", wholeNumber, 3)
  .option("--json", "print the figures as JSON")
  .action(async (folder, options) => finish(await (await import("./commands/bench.ts")).bench(folder, options)));

program
  .command("tune")
  .description("try the kernels that a graph may be run with on this graphics card, and keep the fastest beside the package")
  .argument("<package>", "a folder that `mvc build` wrote")
  .option("--graph <name>", "only this graph; may be given several times", collect)
  .action(async (folder, options) => finish(await (await import("./commands/tune.ts")).tune(folder, options)));

withFilms(
  withModel(
    program
      .command("data")
      .description(
        "look at a data set before training, or write its clips: a folder of films with captions, or one that is made on the spot",
      )
      .argument("<set>", "a folder of GIFs, videos and PNGs, `moving-shapes`, or a file that this command wrote")
      .option("--frames <n>", "frames of a clip (default: 16)", wholeNumber)
      .option("--size <width>x<height>", "its pixels (default: 64x64)", pictureSize)
      .option("--for <file>", "a .mv file: clips as its training takes them, and captions as its tokens too, for its train.py"),
  ),
)
  .option("--clips <n>", "of moving-shapes: how many (default: 12000)", wholeNumber)
  .option("--seed <n>", "of moving-shapes: which clips (default: 0)", wholeNumber)
  .addOption(
    new Option("--combinations <which>", "of moving-shapes: combinations of shape, colour and motion (default: seen)").choices([
      "seen",
      "held-out",
      "all",
    ]),
  )
  .option("-o, --output <file>", "where clips go (.safetensors), or a contact sheet of some (.png)")
  .action(async (set, options) => finish(await (await import("./commands/data.ts")).data(set, options)));

try {
  await program.parseAsync();
} catch (thrown) {
  const { exitCodeOf } = await import("./terminal.ts");
  process.exitCode = exitCodeOf(thrown);
}
