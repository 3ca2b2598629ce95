/** The cells of a study to jobs of the Kubeflow Training Operator (v1), a PyTorchJob of one pod a cell. */

import { createHash } from "node:crypto";
import type { Launch } from "./launch.ts";

/** Of a job's name: the operator adds what its pods are called by, and a label takes 63 characters. */
const mostName = 40;

export function kubernetesJobs({ study, cells }: Launch): string {
  const jobs = cells.map((cell) => jobOf(study, cell)).join("---\n");
  return `# The cells of a study, each one torchrun in one pod. A pod that starts anew goes on from its checkpoint. The claim
# \`training\` holds the study's folder by its name, and is mounted by all pods (ReadWriteMany):
#   kubectl apply -f jobs.yaml
${jobs}`;
}

function jobOf(study: string, cell: string): string {
  return `apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata:
  name: ${jobName(study, cell)}
  labels:
    app: mvc-study
spec:
  nprocPerNode: "1"
  runPolicy:
    cleanPodPolicy: None
    backoffLimit: 10
  pytorchReplicaSpecs:
    Master:
      replicas: 1
      restartPolicy: OnFailure
      template:
        spec:
          terminationGracePeriodSeconds: 120
          containers:
            - name: pytorch
              image: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
              command: ["bash", "/study/cells/${cell}/train.sh", "1"]
              resources:
                limits:
                  nvidia.com/gpu: 1
              volumeMounts:
                - name: training
                  mountPath: /study
                  subPath: ${JSON.stringify(study)}
                - name: memory
                  mountPath: /dev/shm
          volumes:
            - name: training
              persistentVolumeClaim:
                claimName: training
            - name: memory
              emptyDir:
                medium: Memory
`;
}

/** As Kubernetes takes names, lower case, and yet another for each cell of each study. */
function jobName(study: string, cell: string): string {
  const hash = createHash("sha256").update(`${study}/${cell}`).digest("hex").slice(0, 6);
  const plain = cell
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, mostName)
    .replace(/^-|-$/g, "");
  return `mvc-${plain}-${hash}`;
}
