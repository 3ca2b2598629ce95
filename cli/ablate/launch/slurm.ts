/** The cells of a study to an array of Slurm, a task a cell. */

import type { Launch } from "./launch.ts";

/** Its paths are of the folder that it is submitted in: Slurm runs a copy of the script. */
export function slurmScript({ cells }: Launch): string {
  return `#!/bin/bash
# The cells of a study, each one torchrun on one node. Submitted again they go on from their checkpoints:
#   cd STUDY && sbatch study.slurm
#SBATCH --job-name=mvc-study
#SBATCH --array=0-${cells.length - 1}
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%A-%a.out
set -euo pipefail
cells=(
${cells.map((cell) => `  ${cell}\n`).join("")})
cell=\${cells[$SLURM_ARRAY_TASK_ID]}
echo "$cell"
# Since 22.05 a step's processors are not the task's unless it says so.
srun --cpus-per-task="\${SLURM_CPUS_PER_TASK:-1}" bash "cells/$cell/train.sh" "\${SLURM_GPUS_ON_NODE:-1}"
`;
}
