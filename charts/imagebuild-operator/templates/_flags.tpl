{{/* The operator's command line: one item a line, as a YAML list. */}}
{{- define "imagebuild-operator.flags" -}}
- {{ printf "--builder-image=%s" (include "imagebuild-operator.builderImage" .) | quote }}
- {{ printf "--builder-image-pull-policy=%s" .Values.builder.image.pullPolicy | quote }}
{{- if .Values.leaderElection.enabled }}
- --leader-elect
{{- with .Values.leaderElection.namespace }}
- {{ printf "--leader-election-namespace=%s" . | quote }}
{{- end }}
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
- {{ printf "--pending-timeout=%s" .Values.builder.pendingTimeout | quote }}
- --pod-shape={{ .Values.builder.podShape }}
{{- if .Values.builder.procMountUnmasked }}
- --proc-mount-unmasked
{{- end }}
- {{ printf "--seccomp-profile=%s" .Values.builder.seccompProfile | quote }}
{{- range $kind, $flag := dict "requests" "request" "limits" "limit" }}
{{- range $resource := list "cpu" "memory" }}
{{- $value := get (get $.Values.builder.resources $kind) $resource }}
{{- if $value }}
- {{ printf "--builder-%s-%s=%v" $resource $flag $value | quote }}
{{- else if eq $kind "requests" }}
# Two items: the operator has a default, and "--flag=" would take the next item for the value.
- --builder-{{ $resource }}-{{ $flag }}
- ""
{{- end }}
{{- end }}
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
