{{/* The operator's command line: one item a line, as a YAML list. */}}
{{- define "imagebuild-operator.flags" -}}
- {{ printf "--builder-image=%s" (include "imagebuild-operator.builderImage" .) | quote }}
- {{ printf "--builder-image-pull-policy=%s" .Values.builder.image.pullPolicy | quote }}
{{- if .Values.leaderElection.enabled }}
- --leader-elect
{{- with .Values.leaderElection.namespace }}
- {{ printf "--leader-election-namespace=%s" . | quote }}
{{- end }}
- {{ printf "--leader-election-lease-duration=%s" .Values.leaderElection.leaseDuration | quote }}
- {{ printf "--leader-election-renew-deadline=%s" .Values.leaderElection.renewDeadline | quote }}
- {{ printf "--leader-election-retry-period=%s" .Values.leaderElection.retryPeriod | quote }}
{{- end }}
{{- with .Values.watchNamespaces }}
- {{ printf "--watch-namespaces=%s" (join "," .) | quote }}
{{- end }}
- --log-format={{ .Values.logFormat }}
- --log-level={{ .Values.logLevel }}
- --workers={{ int .Values.workers }}
- {{ printf "--metrics-address=%s:%d" .Values.metrics.address (int .Values.metrics.port) | quote }}
{{- if .Values.metrics.layers }}
- --metrics-layers
{{- end }}
{{- if .Values.page.enabled }}
- --page
- {{ printf "--page-address=%s" .Values.page.address | quote }}
{{- range .Values.page.hosts }}
- {{ printf "--page-host=%s" . | quote }}
{{- end }}
{{- end }}
- --max-concurrent-builds={{ int .Values.builder.maxConcurrent }}
- --max-concurrent-builds-per-namespace={{ int .Values.builder.maxConcurrentPerNamespace }}
- {{ printf "--pending-timeout=%s" .Values.builder.pendingTimeout | quote }}
- --pod-shape={{ .Values.builder.podShape }}
{{- if .Values.builder.procMountUnmasked }}
- --proc-mount-unmasked
{{- end }}
- {{ printf "--seccomp-profile=%s" .Values.builder.seccompProfile | quote }}
{{- range $kind, $flag := dict "requests" "request" "limits" "limit" }}
{{- range $resource := list "cpu" "memory" }}
{{- $value := get (get $.Values.builder.resources $kind) $resource }}
{{- if or $value (eq $kind "requests") }}
# A request of nothing is written as well: the operator has a default.
- {{ printf "--builder-%s-%s=%v" $resource $flag $value | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- range $label, $value := .Values.builder.nodeSelector }}
- {{ printf "--builder-node-selector=%s=%s" $label $value | quote }}
{{- end }}
{{- with .Values.builder.tolerations }}
- {{ printf "--builder-tolerations=%s" (toJson .) | quote }}
{{- end }}
{{- with .Values.defaults.pushSecret }}
- {{ printf "--default-push-secret=%s" . | quote }}
{{- end }}
{{- range .Values.registries.mirrors }}
- {{ printf "--registry-mirror=%s=%s" .host .url | quote }}
{{- end }}
{{- range .Values.registries.insecure }}
- {{ printf "--insecure-registry=%s" . | quote }}
{{- end }}
{{- with include "imagebuild-operator.registryCA" . | fromYaml }}
- {{ printf "--registry-ca=/etc/imagebuild/registry-ca/%s" .key | quote }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
