#include "plugin/next_steps.h"

namespace imagebuild::plugin {
namespace {

struct Step {
  std::string_view reason, text;
};

// "{}" is the object as kubectl's arguments name it.
constexpr Step kSteps[] = {
    // Nothing is wrong.
    {"Succeeded", "Nothing: the image of this spec is in the registry."},
    {"InputsBuilt", "Nothing: the image was built from the current inputs."},
    {"BelowLimits", "Nothing: the image is within its budget."},
    {"Building", "Wait, or follow it: kubectl imagebuild logs {} -f"},
    {"Progressing", "Wait, or follow it: kubectl imagebuild logs {} -f"},
    {"Pending", "Wait: the pod is being scheduled or its image is being pulled."},
    {"Queued",
     "Wait: other builds run (the operator's --max-concurrent-builds and -per-namespace), or an "
     "older pod of this ImageBuild has to end."},
    {"ProgressingWithRetry",
     "Wait: it is tried again by itself. To try now: kubectl imagebuild rebuild {}"},
    {"Suspended", "Let builds start again: kubectl imagebuild resume {}"},
    {"SizeBudgetExceeded",
     "See what grew: kubectl imagebuild diff {}. Then shrink that layer, or raise spec.budget if "
     "the growth is meant."},
    // Terminal: the same inputs fail again.
    {"BadDockerfile",
     "Correct the Dockerfile at the line named; `imagebuild-builder check .` finds such mistakes "
     "before a build does."},
    {"BuildFailed",
     "Read the output above and correct that instruction. The whole log: kubectl imagebuild logs "
     "{}. It is built again when the source or the spec changes; when the cause was elsewhere: "
     "kubectl imagebuild rebuild {}"},
    {"BadContext",
     "A path that COPY needs is missing, kept out by .dockerignore, or the context itself is "
     "damaged: look at spec.path, spec.dockerfile and .dockerignore."},
    {"NotImplemented", "The builder does not know this feature; write the instruction without it."},
    {"Timeout",
     "Raise spec.timeout, give the pod more cpu (spec.pod.resources), or find the step that hangs: "
     "kubectl imagebuild logs {}"},
    {"InvalidSpec", "Correct the field that the message names."},
    // Configuration: it is tried again, but somebody has to change something first.
    {"ImageConflict",
     "Two ImageBuilds push the same tag: change spec.image or spec.tags of one of them."},
    {"SecretNotFound",
     "Create the Secret, ConfigMap or key that the message names, in the same namespace; the build "
     "is tried again by itself."},
    {"BaseImageNotFound",
     "Correct the FROM line (name, tag, platform). If the image exists but is private, name its "
     "credentials in spec.registries.secretRefs."},
    {"RegistryDenied",
     "The registry refused the credentials: look at spec.registries.secretRefs, and whether they "
     "may push to this repository."},
    {"SourceNotFound",
     "Correct spec.source: the repository, branch, tag or commit does not exist."},
    {"SourceDenied",
     "The source needs credentials: look at spec.source.git.secretRef (username and password), or "
     "spec.registries.secretRefs for an uploaded context."},
    {"IsolationUnavailable",
     "The node does not let a build run: see `imagebuild-builder doctor` in the builder's image, "
     "and the operator's --pod-shape."},
    {"PodRefused",
     "Quota or admission refused the pod: the message says which. Look at the namespace's "
     "ResourceQuota, its Pod Security level and spec.pod."},
    {"PodUnschedulable",
     "No node fits: look at spec.pod (resources, nodeSelector, tolerations) and the nodes' free "
     "room."},
    {"PodImagePullFailed",
     "The builder's own image cannot be pulled: look at the operator's --builder-image and the "
     "nodes' access to that registry."},
    {"PodCreateFailed",
     "The kubelet could not make the container: kubectl describe pod shows its events."},
    {"SeccompProfileMissing",
     "The node lacks the builder's seccomp profile: look at the DaemonSet "
     "imagebuild-profile on that node."},
    // Transient: it is tried again at most spec.retries times.
    {"RegistryUnavailable",
     "The registry did not answer or failed: look at it and at the network between. Retries come "
     "by themselves; afterwards: kubectl imagebuild rebuild {}"},
    {"DigestMismatch",
     "What came was not what its digest names: a proxy or mirror damages content. Retries come by "
     "themselves."},
    {"SourceUnavailable",
     "The source's server did not answer. Retries come by themselves; afterwards: kubectl "
     "imagebuild rebuild {}"},
    {"OutOfDisk",
     "The node has no room for the layers: free some, or build where there is more "
     "(spec.pod.nodeSelector, ephemeral-storage in spec.pod.resources)."},
    {"OOMKilled",
     "Raise the memory limit (spec.pod.resources.limits.memory), or make that step use less: fewer "
     "parallel jobs."},
    {"Evicted",
     "The node was short of something; it is tried again by itself, elsewhere if it can."},
    {"PodLost", "The pod or its node is gone; it is tried again by itself."},
    {"Interrupted", "The builder was told to stop (drain, deletion); it is tried again by itself."},
    {"BuilderCrashed",
     "The builder ended without a report. Its log may say why: kubectl imagebuild logs {}. If it "
     "happens again, report it."},
};

}  // namespace

std::string what_to_do(std::string_view reason, std::string_view object) {
  for (const Step& step : kSteps) {
    if (step.reason != reason) continue;
    std::string text(step.text);
    for (std::size_t at = 0; (at = text.find("{}", at)) != std::string::npos; at += object.size())
      text.replace(at, 2, object);
    return text;
  }
  return "";
}

}  // namespace imagebuild::plugin
