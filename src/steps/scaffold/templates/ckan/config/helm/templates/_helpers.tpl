{{- define "image" -}}
{{- $tag := required "an image has a tag in each environment" .tag -}}
{{ .repository }}:{{ $tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
