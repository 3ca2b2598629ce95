// What Slurm and the PyTorch operator take, by their own manuals, and what a launch of this project says to them.

/** The paths of keys, those of a list's items below the list's; text of blocks and anchors left out. */
export function keysOf(yaml: string): readonly string[] {
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

/** By the operator's own definition (release 1.9), and a pod's by Kubernetes': what may stand below each path. */
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

/** Of a PyTorchJob, the paths that are none of its fields. */
export function strangeFields(yaml: string): readonly string[] {
  const above = (path: string) => path.split(" ").slice(0, -1).join(" ");
  return keysOf(yaml).filter((path) => fields[above(path)] !== undefined && !fields[above(path)]?.includes(path.split(" ").at(-1) ?? ""));
}

/** Options of sbatch that the launches use, by its manual. */
export const sbatchOptions = [
  ...["job-name", "array", "nodes", "ntasks-per-node", "gpus-per-node", "cpus-per-task"],
  ...["time", "signal", "requeue", "open-mode", "output"],
];

/** The names of a script's lines to sbatch; undefined of one that is no such line. */
export function sbatchNames(script: string): readonly (string | undefined)[] {
  return [...script.matchAll(/^#SBATCH.*$/gm)].map(([line]) => /^#SBATCH --([a-z-]+)(?:=\S+)?$/.exec(line)?.[1]);
}
