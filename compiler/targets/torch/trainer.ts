/** The files of the trainer that stands beside every `train.py`: Python as it lies in `trainer/`, the same for every model. */

import init from "./trainer/__init__.py";
import captured from "./trainer/captured.py";
import clips from "./trainer/clips.py";
import command from "./trainer/command.py";
import draws from "./trainer/draws.py";
import folder from "./trainer/folder.py";
import latents from "./trainer/latents.py";
import levels from "./trainer/levels.py";
import optimizer from "./trainer/optimizer.py";
import processes from "./trainer/processes.py";
import stages from "./trainer/stages.py";
import tensors from "./trainer/tensors.py";

const modules = { __init__: init, captured, clips, command, draws, folder, latents, levels, optimizer, processes, stages, tensors };

/** By their paths beside `model.py` and `train.py`. */
export const trainerFiles: ReadonlyMap<string, string> = new Map(
  Object.entries(modules).map(([name, text]) => [`trainer/${name}.py`, text]),
);

/** What ends a `train.py` for the model of this class. */
export const trainerCall = (model: string): string =>
  `if __name__ == "__main__":\n    import model\n    import trainer\n\n    trainer.main(model.${model}, STAGES, SAMPLER, CLIP)`;
