{{- define "lanyard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "lanyard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "lanyard.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lanyard.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels of an object; call with (list . "component"). */}}
{{- define "lanyard.labels" -}}
{{- $root := first . -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{ include "lanyard.selector" . }}
{{- end }}

{{/* Labels that select pods; call with (list . "component"). The migration and the test are other components than the server. */}}
{{- define "lanyard.selector" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "lanyard.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "lanyard.image" -}}
{{- $name := .Values.image.repository -}}
{{- if .Values.image.registry -}}{{- $name = printf "%s/%s" .Values.image.registry $name -}}{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end }}

{{- define "lanyard.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lanyard.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* The hook runs before the chart's own service account is there: it has one of its own. */}}
{{- define "lanyard.migrateServiceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- include "lanyard.fullname" . }}-migrate
{{- else -}}
{{- include "lanyard.serviceAccount" . -}}
{{- end -}}
{{- end }}

{{- define "lanyard.issuerHost" -}}
{{- (urlParse .Values.issuer).hostname -}}
{{- end }}

{{- define "lanyard.fewestReplicas" -}}
{{- if .Values.autoscaling.enabled -}}{{ .Values.autoscaling.minReplicas }}{{- else -}}{{ .Values.replicaCount }}{{- end -}}
{{- end }}

{{/* podDisruptionBudget.minAvailable as text, empty too where null took it away; 0 is a number. */}}
{{- define "lanyard.minAvailable" -}}
{{- $stay := .Values.podDisruptionBudget.minAvailable -}}
{{- if not (kindIs "invalid" $stay) -}}{{- toString $stay -}}{{- end -}}
{{- end }}

{{- define "lanyard.mostReplicas" -}}
{{- if .Values.autoscaling.enabled -}}{{ .Values.autoscaling.maxReplicas }}{{- else -}}{{ .Values.replicaCount }}{{- end -}}
{{- end }}

{{/* hook, init, or nothing. */}}
{{- define "lanyard.migrationMode" -}}
{{- if .Values.migrations.enabled -}}
{{- if eq .Values.database.type "sqlite" -}}init{{- else -}}{{ .Values.migrations.mode }}{{- end -}}
{{- end -}}
{{- end }}

{{- define "lanyard.mailPort" -}}
{{- if .Values.mail.port -}}{{ .Values.mail.port }}{{- else if eq .Values.mail.tls "implicit" -}}465{{- else -}}587{{- end -}}
{{- end }}

{{/* Whether extraEnv or extraEnvFrom may bring a variable; call with (list . "NAME"). */}}
{{- define "lanyard.brought" -}}
{{- $root := first . -}}{{- $name := last . -}}
{{- if $root.Values.extraEnvFrom -}}yes{{- end -}}
{{- range $root.Values.extraEnv -}}
{{- if or (eq .name $name) (eq .name (printf "%s_FILE" $name)) -}}yes{{- end -}}
{{- end -}}
{{- end }}

{{/* existingSecret as {name, keys}; the name alone takes the usual keys. */}}
{{- define "lanyard.existingSecret" -}}
{{- $usual := dict "masterKey" "master-key" "databaseUrl" "database-url" "mailPassword" "mail-password" -}}
{{- if kindIs "string" .Values.existingSecret -}}
{{- dict "name" .Values.existingSecret "keys" $usual | toYaml -}}
{{- else -}}
{{- toYaml .Values.existingSecret -}}
{{- end -}}
{{- end }}

{{/* The secrets that come by file: a map of file name to key of the Secret. */}}
{{- define "lanyard.secretFiles" -}}
{{- $files := dict -}}
{{- $secret := include "lanyard.existingSecret" . | fromYaml -}}
{{- $keys := $secret.keys -}}
{{- if $secret.name -}}
{{- if $keys.masterKey -}}{{- $_ := set $files "master.key" $keys.masterKey -}}{{- end -}}
{{- if and $keys.databaseUrl (eq .Values.database.type "postgres") -}}{{- $_ := set $files "database.url" $keys.databaseUrl -}}{{- end -}}
{{- if and $keys.mailPassword .Values.mail.username -}}{{- $_ := set $files "mail.password" $keys.mailPassword -}}{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end }}

{{/* The configuration file; secrets are never in it. */}}
{{- define "lanyard.config" -}}
{{- $server := dict "listen" ":8080" "issuer" .Values.issuer "trusted_proxies" .Values.trustedProxies "replicas" (int (include "lanyard.mostReplicas" .)) -}}
{{- $database := dict "max_connections" (int .Values.database.maxConnections) -}}
{{- if eq .Values.database.type "sqlite" -}}{{- $_ := set $database "url" "sqlite:/data/lanyard.db" -}}{{- end -}}
{{- $config := dict "server" $server "operations" (dict "listen" ":8081") "database" $database "log" (dict "level" .Values.log.level "format" .Values.log.format) -}}
{{- if .Values.mail.host -}}
{{- $mail := dict "host" .Values.mail.host "port" (int .Values.mail.port) "tls" .Values.mail.tls "from" .Values.mail.from -}}
{{- if .Values.mail.username -}}{{- $_ := set $mail "username" .Values.mail.username -}}{{- end -}}
{{- $_ := set $config "mail" $mail -}}
{{- end -}}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end }}

{{/* Nine tenths of a limit in Mi or Gi, for the Go runtime; nothing for other units. */}}
{{- define "lanyard.memoryLimit" -}}
{{- $limit := toString (dig "limits" "memory" "" (default dict .Values.resources)) -}}
{{- if regexMatch "^[0-9]+Mi$" $limit -}}
{{- printf "%dMiB" (div (mul (trimSuffix "Mi" $limit | int) 9) 10) -}}
{{- else if regexMatch "^[0-9]+Gi$" $limit -}}
{{- printf "%dMiB" (div (mul (trimSuffix "Gi" $limit | int) 9216) 10) -}}
{{- end -}}
{{- end }}

{{/* What all containers of Lanyard have; call with (list . "with config?" (list of arguments)). */}}
{{- define "lanyard.container" -}}
{{- $root := first . -}}
{{- $configured := index . 1 -}}
{{- $files := include "lanyard.secretFiles" $root | fromYaml -}}
{{- $memory := include "lanyard.memoryLimit" $root -}}
image: {{ include "lanyard.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: {{ toJson (last .) }}
securityContext: {{- toYaml $root.Values.securityContext | nindent 2 }}
resources: {{- toYaml $root.Values.resources | nindent 2 }}
env:
{{- if $configured }}
  - {name: LANYARD_CONFIG, value: /etc/lanyard/lanyard.yaml}
{{- end }}
{{- if hasKey $files "master.key" }}
  - {name: LANYARD_KEYS_MASTER_KEY_FILE, value: /run/secrets/lanyard/master.key}
{{- end }}
{{- if hasKey $files "database.url" }}
  - {name: LANYARD_DATABASE_URL_FILE, value: /run/secrets/lanyard/database.url}
{{- end }}
{{- if and $configured (hasKey $files "mail.password") }}
  - {name: LANYARD_MAIL_PASSWORD_FILE, value: /run/secrets/lanyard/mail.password}
{{- end }}
{{- if $memory }}
  - {name: GOMEMLIMIT, value: {{ $memory | quote }}}
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- with $root.Values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
{{- if $configured }}
  - {name: config, mountPath: /etc/lanyard, readOnly: true}
{{- end }}
{{- if $files }}
  - {name: secrets, mountPath: /run/secrets/lanyard, readOnly: true}
{{- end }}
{{- if eq $root.Values.database.type "sqlite" }}
  - {name: data, mountPath: /data}
{{- end }}
{{- with $root.Values.extraVolumeMounts }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* The volumes of those containers; call with (list . "with config?"). */}}
{{- define "lanyard.volumes" -}}
{{- $root := first . -}}
{{- $files := include "lanyard.secretFiles" $root | fromYaml -}}
{{- if last . }}
- name: config
  configMap: {name: {{ include "lanyard.fullname" $root }}}
{{- end }}
{{- if $files }}
- name: secrets
  secret:
    secretName: {{ (include "lanyard.existingSecret" $root | fromYaml).name }}
    defaultMode: 0440
    items:
{{- range $file, $key := $files }}
      - {key: {{ $key }}, path: {{ $file }}}
{{- end }}
{{- end }}
{{- if eq $root.Values.database.type "sqlite" }}
- name: data
  persistentVolumeClaim: {claimName: {{ default (include "lanyard.fullname" $root) $root.Values.database.sqlite.existingClaim }}}
{{- end }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What all pods have. */}}
{{- define "lanyard.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
