{{/* Names. A release called imagebuild-operator has the names of manifests/install. */}}
{{- define "imagebuild-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 45 | trimSuffix "-" -}}
{{- end }}

{{- define "imagebuild-operator.fullname" -}}
{{- $name := include "imagebuild-operator.name" . -}}
{{- $long := printf "%s-%s" .Release.Name $name -}}
{{- $full := ternary .Release.Name $long (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 45 | trimSuffix "-" -}}
{{- end }}

{{/* The full name without -operator, for what is not the operator: imagebuild-profile, … */}}
{{- define "imagebuild-operator.base" -}}
{{- include "imagebuild-operator.fullname" . | trimSuffix "-operator" -}}
{{- end }}

{{- define "imagebuild-operator.profileName" -}}
{{- include "imagebuild-operator.name" . | trimSuffix "-operator" -}}-profile
{{- end }}

{{- define "imagebuild-operator.serviceAccountName" -}}
{{- $fullname := include "imagebuild-operator.fullname" . -}}
{{- $own := ternary $fullname "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $own -}}
{{- end }}

{{/* Labels: (dict "context" $ "name" NAME "extra" LABELS); without NAME the operator's. */}}
{{- define "imagebuild-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ get . "name" | default (include "imagebuild-operator.name" .context) }}
app.kubernetes.io/instance: {{ .context.Release.Name | quote }}
{{- end }}

{{- define "imagebuild-operator.labels" -}}
{{- $labels := include "imagebuild-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/version" .context.Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "imagebuild" -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .context.Release.Service -}}
{{- $chart := printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" -}}
{{- $_ := set $labels "helm.sh/chart" $chart -}}
{{- $common := .context.Values.commonLabels | default dict -}}
{{- toYaml (merge dict (get . "extra" | default dict) $common $labels) -}}
{{- end }}

{{/* The same for pods, without what changes with every version and would restart them. */}}
{{- define "imagebuild-operator.podLabels" -}}
{{- $labels := include "imagebuild-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "imagebuild" -}}
{{- $common := .context.Values.commonLabels | default dict -}}
{{- toYaml (merge dict (get . "extra" | default dict) $common $labels) -}}
{{- end }}

{{/* An image's name: (dict "context" $ "image" IMAGE). It has tag and digest if both are set. */}}
{{- define "imagebuild-operator.image" -}}
{{- $registry := .context.Values.global.imageRegistry | default .image.registry | trimSuffix "/" -}}
{{- $tag := .image.tag | default (ternary "" .context.Chart.AppVersion (ne .image.digest "")) -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .image.repository -}}
{{- if $tag }}:{{ $tag }}{{ end }}{{ if .image.digest }}@{{ .image.digest }}{{ end }}
{{- end }}

{{- define "imagebuild-operator.operatorImage" -}}
{{- include "imagebuild-operator.image" (dict "context" . "image" .Values.image) -}}
{{- end }}

{{- define "imagebuild-operator.builderImage" -}}
{{- include "imagebuild-operator.image" (dict "context" . "image" .Values.builder.image) -}}
{{- end }}

{{- define "imagebuild-operator.imagePullSecrets" -}}
{{- $names := concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq -}}
{{- if $names }}
imagePullSecrets:
{{- range $names }}
- name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where the CA bundle of the registries is, {"name": …, "key": …}; empty: there is none. */}}
{{- define "imagebuild-operator.registryCA" -}}
{{- if .Values.registries.ca -}}
{{- $name := printf "%s-registry-ca" (include "imagebuild-operator.fullname" .) -}}
{{ dict "name" $name "key" "ca.crt" | toJson }}
{{- else if .Values.registries.caConfigMap.name -}}
{{ .Values.registries.caConfigMap | toJson }}
{{- end }}
{{- end }}

{{/*
The rules of a role, from the manifests that kustomize installs, so that there is one list of
rights: (dict "context" $ "file" FILE "name" NAME).
*/}}
{{- define "imagebuild-operator.rules" -}}
{{- $rules := list -}}
{{- range splitList "\n---\n" (.context.Files.Get .file) -}}
{{- $object := fromYaml . -}}
{{- if and (has $object.kind (list "Role" "ClusterRole")) (eq $object.metadata.name $.name) -}}
{{- $rules = $object.rules -}}
{{- end -}}
{{- end -}}
{{- if not $rules -}}{{ fail (printf "%s has no role %s with rules" .file .name) }}{{- end -}}
{{ toYaml $rules }}
{{- end }}

{{/* The page's port if others than the pod itself reach it; empty: nobody does. */}}
{{- define "imagebuild-operator.pagePort" -}}
{{- if .Values.page.enabled -}}
{{- $parts := splitList ":" .Values.page.address -}}
{{- if not (regexMatch "^(127[.]|localhost$)" (first $parts)) -}}{{ last $parts }}{{- end -}}
{{- end -}}
{{- end }}

{{/* Values that exclude each other; everything else is the schema's. */}}
{{- define "imagebuild-operator.check" -}}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "replicaCount above 1 needs leaderElection.enabled, or all replicas would write" -}}
{{- end -}}
{{- if and .Values.registries.ca .Values.registries.caConfigMap.name -}}
{{- fail "registries.ca and registries.caConfigMap.name exclude each other" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled, which makes the Service" -}}
{{- end -}}
{{- if and .Values.page.service.enabled (not (include "imagebuild-operator.pagePort" .)) -}}
{{- fail "page.service.enabled needs page.enabled and a page.address that is no loopback address" -}}
{{- end -}}
{{- end }}
