// The launches of examples/cluster: the shell reads them, Slurm's and the operator's names are theirs, and every option is one of train.py.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { trainerFiles } from "../../compiler/targets/torch/trainer.ts";
import { keysOf, sbatchNames, sbatchOptions, strangeFields } from "./launch-fields.ts";

const slurm = readFileSync("examples/cluster/train.slurm", "utf8");
const job = readFileSync("examples/cluster/pytorchjob.yaml", "utf8");

const parses = (script: string) => execFileSync("bash", ["-n"], { input: script, encoding: "utf8" });
const optionsOf = (text: string) => [...new Set([...text.matchAll(/(?<=\s)--[a-z][\w-]*/g)].map(([option]) => option))];
/** torchrun's, by its manual; the rest must be train.py's. */
const launcher = ["--nnodes", "--nproc-per-node", "--rdzv-id", "--rdzv-backend", "--rdzv-endpoint"];
const known = [...(trainerFiles.get("trainer/command.py") ?? "").matchAll(/add\((?:"-\w", )?"(--[\w-]+)"/g)].map(([, option]) => option);

test("the Slurm script: its syntax, its lines to sbatch, its options", () => {
  parses(slurm);
  const [head = "", body = ""] = slurm.split("set -euo pipefail");
  // sbatch reads no further than the first command.
  expect(body).not.toContain("#SBATCH");
  const lines = head.split("\n").filter((line) => line.startsWith("#SBATCH"));
  expect(sbatchNames(head).filter((name) => !sbatchOptions.includes(name ?? ""))).toEqual([]);
  expect(lines).toContain("#SBATCH --ntasks-per-node=1");
  expect(optionsOf(body.slice(body.indexOf("torchrun"))).filter((option) => ![...launcher, ...known].includes(option))).toEqual([]);
});

test("the job of the operator: its fields are those of kubeflow.org/v1's PyTorchJob, its command is train.py's", () => {
  expect(job).toMatch(/^apiVersion: kubeflow\.org\/v1\nkind: PyTorchJob$/m);
  const paths = keysOf(job);
  expect(strangeFields(job)).toEqual([]);
  // The operator looks for the container of this name, and restarts pods by this word.
  expect(job).toContain("- name: pytorch\n");
  expect(paths).toContain("spec pytorchReplicaSpecs Master template spec containers command");
  expect([...job.matchAll(/restartPolicy: (\w+)/g)].map(([, policy]) => policy)).toEqual(["OnFailure", "OnFailure"]);
  const command = /command:\n\s+- bash\n\s+- -c\n\s+- >-\n((?: {18}.*\n)+)/.exec(job)?.[1] ?? "";
  expect(command).toContain("exec torchrun package/train.py");
  parses(command);
  expect(optionsOf(command.slice(command.indexOf("torchrun"))).filter((option) => !known.includes(option))).toEqual([]);
});
