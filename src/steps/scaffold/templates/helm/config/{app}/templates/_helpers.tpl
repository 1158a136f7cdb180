{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "image" -}}
{{- $tag := required "image.tag is set for each environment" .tag -}}
{{ .repository }}:{{ $tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
