{{- define "bestofn.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bestofn.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bestofn.labels" -}}
{{ include "bestofn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "bestofn.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "bestofn.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "bestofn.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* The settings file: what the user says, and what the pod's own shape fixes. */ -}}
{{- define "bestofn.config" -}}
{{- $fixed := dict "host" "0.0.0.0" "port" 8000 "drain_seconds" .Values.drainSeconds "log_format" "json" -}}
{{- if .Values.apiKeySecret.name -}}
{{- $_ := set $fixed "api_key_file" (printf "/run/secrets/bestofn/%s" .Values.apiKeySecret.key) -}}
{{- end -}}
{{- $given := deepCopy .Values.config -}}
{{- toYaml (set $given "server" (merge $fixed (get $given "server" | default dict))) -}}
{{- end -}}
