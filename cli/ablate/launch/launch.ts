/** The names of `--launch` to the file that hands a study's cells to a scheduler, and the command that submits it. */

import { kubernetesJobs } from "./kubernetes.ts";
import { rayScript } from "./ray.ts";
import { slurmScript } from "./slurm.ts";

export interface Launch {
  /** The study's folder by its own name. */
  readonly study: string;
  /** Folders below `cells`, each with its train.sh. */
  readonly cells: readonly string[];
}

export interface Launcher {
  /** In the study's folder. */
  readonly file: string;
  readonly textOf: (launch: Launch) => string;
  /** `folder` as a shell takes it. */
  readonly command: (folder: string) => string;
}

export const launchers = {
  slurm: { file: "study.slurm", textOf: slurmScript, command: (folder) => `cd ${folder} && sbatch study.slurm` },
  kubernetes: { file: "jobs.yaml", textOf: kubernetesJobs, command: (folder) => `kubectl apply -f ${folder}/jobs.yaml` },
  ray: { file: "study_ray.py", textOf: rayScript, command: (folder) => `python3 ${folder}/study_ray.py` },
} as const satisfies { readonly [name: string]: Launcher };

export type LauncherName = keyof typeof launchers;
