// The launches of examples/cluster: the shell reads them, Slurm's and the operator's names are theirs, and every option is one of train.py.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { trainerFiles } from "../../compiler/targets/torch/trainer.ts";

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
  const names = lines.map((line) => /^#SBATCH --([a-z-]+)(?:=\S+)?$/.exec(line)?.[1]);
  // By sbatch's manual.
  const manual = [
    "job-name",
    "nodes",
    "ntasks-per-node",
    "gpus-per-node",
    "cpus-per-task",
    "time",
    "signal",
    "requeue",
    "open-mode",
    "output",
  ];
  expect(names.filter((name) => !manual.includes(name ?? ""))).toEqual([]);
  expect(lines).toContain("#SBATCH --ntasks-per-node=1");
  expect(optionsOf(body.slice(body.indexOf("torchrun"))).filter((option) => ![...launcher, ...known].includes(option))).toEqual([]);
});

/** The paths of keys, those of a list's items below the list's; text of blocks and anchors left out. */
function keysOf(yaml: string): readonly string[] {
  const levels: { readonly indent: number; readonly key: string }[] = [];
  const paths = new Set<string>();
  let block = Number.POSITIVE_INFINITY;
  for (const line of yaml.split("\n")) {
    const indent = line.search(/[^ -]/);
    if (indent < 0 || line.trimStart().startsWith("#") || line.search(/\S/) > block) continue;
    block = Number.POSITIVE_INFINITY;
    if (/>-?\s*$/.test(line)) block = line.search(/\S/);
    const key = /^[ -]*([A-Za-z./]+):(?: |$)/.exec(line)?.[1];
    if (key === undefined) continue;
    while ((levels.at(-1)?.indent ?? -1) >= indent) levels.pop();
    levels.push({ indent, key });
    paths.add(levels.map((level) => level.key).join(" "));
  }
  return [...paths];
}

test("the job of the operator: its fields are those of kubeflow.org/v1's PyTorchJob, its command is train.py's", () => {
  expect(job).toMatch(/^apiVersion: kubeflow\.org\/v1\nkind: PyTorchJob$/m);
  // By the operator's own definition (release 1.9), and a pod's by Kubernetes'.
  const fields: { readonly [path: string]: readonly string[] } = {
    "": ["apiVersion", "kind", "metadata", "spec"],
    metadata: ["name", "namespace", "labels", "annotations"],
    spec: ["elasticPolicy", "nprocPerNode", "pytorchReplicaSpecs", "runPolicy"],
    "spec runPolicy": [
      "activeDeadlineSeconds",
      "backoffLimit",
      "cleanPodPolicy",
      "managedBy",
      "schedulingPolicy",
      "suspend",
      "ttlSecondsAfterFinished",
    ],
    "spec pytorchReplicaSpecs": ["Master", "Worker"],
    "spec pytorchReplicaSpecs Master": ["replicas", "restartPolicy", "template"],
    "spec pytorchReplicaSpecs Worker": ["replicas", "restartPolicy", "template"],
    "spec pytorchReplicaSpecs Master template": ["metadata", "spec"],
    "spec pytorchReplicaSpecs Master template spec": ["containers", "volumes", "terminationGracePeriodSeconds", "nodeSelector"],
  };
  const paths = keysOf(job);
  const above = (path: string) => path.split(" ").slice(0, -1).join(" ");
  const strange = paths.filter((path) => fields[above(path)] !== undefined && !fields[above(path)]?.includes(path.split(" ").at(-1) ?? ""));
  expect(strange).toEqual([]);
  // The operator looks for the container of this name, and restarts pods by this word.
  expect(job).toContain("- name: pytorch\n");
  expect(paths).toContain("spec pytorchReplicaSpecs Master template spec containers command");
  expect([...job.matchAll(/restartPolicy: (\w+)/g)].map(([, policy]) => policy)).toEqual(["OnFailure", "OnFailure"]);
  const command = /command:\n\s+- bash\n\s+- -c\n\s+- >-\n((?: {18}.*\n)+)/.exec(job)?.[1] ?? "";
  expect(command).toContain("exec torchrun package/train.py");
  parses(command);
  expect(optionsOf(command.slice(command.indexOf("torchrun"))).filter((option) => !known.includes(option))).toEqual([]);
});
