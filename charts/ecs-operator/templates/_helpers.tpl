{{- define "ecs-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "ecs-operator.fullname" -}}
{{- $name := include "ecs-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "ecs-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ecs-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ecs-operator.labels" -}}
{{- with .Values.commonLabels }}{{ toYaml . }}
{{ end -}}
{{ include "ecs-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "ecs-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ecs-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- /* An image: takes a block with repository, tag, digest, and the tag that is used when it names none. */}}
{{- define "ecs-operator.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .tag .image.tag }}
{{- end -}}
{{- end }}

{{- /* The directory that the operator follows. */}}
{{- define "ecs-operator.path" -}}
{{- $source := .Values.source -}}
{{- if eq $source.type "gitSync" -}}
{{- list "/git/current" $source.gitSync.path | join "/" | clean -}}
{{- else if eq $source.type "configMap" -}}
/manifests
{{- else -}}
{{- list "/manifests" $source.existingClaim.path | join "/" | clean -}}
{{- end -}}
{{- end }}

{{- define "ecs-operator.listenAddress" -}}
{{- if contains ":" .Values.listenAddress -}}
[{{ .Values.listenAddress }}]
{{- else -}}
{{ .Values.listenAddress }}
{{- end -}}
{{- end }}

{{- define "ecs-operator.lease" -}}
{{- default (include "ecs-operator.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{- /* Values that contradict each other, each with what to do about it. */}}
{{- define "ecs-operator.check" -}}
{{- $source := .Values.source -}}
{{- $git := $source.gitSync -}}
{{- if and (ne $source.type "gitSync") $git.repo -}}
{{- fail (printf "source.type is %s, yet source.gitSync.repo is set: set source.type=gitSync, or leave the repository out." $source.type) -}}
{{- end -}}
{{- if and (ne $source.type "configMap") (or $source.configMap.name $source.configMap.files) -}}
{{- fail (printf "source.type is %s, yet source.configMap is filled in: set source.type=configMap, or leave it out." $source.type) -}}
{{- end -}}
{{- if and (ne $source.type "existingClaim") $source.existingClaim.name -}}
{{- fail (printf "source.type is %s, yet source.existingClaim.name is set: set source.type=existingClaim, or leave it out." $source.type) -}}
{{- end -}}
{{- if eq $source.type "gitSync" -}}
{{- if not $git.repo -}}
{{- fail "source.gitSync.repo is empty: name the repository with the manifests, or choose another source.type." -}}
{{- end -}}
{{- if and $git.ssh.existingSecret $git.token.existingSecret -}}
{{- fail "source.gitSync has both an SSH key and a token: keep the one that the repository's address needs, ssh for git@…, token for https://…." -}}
{{- end -}}
{{- if and $git.ssh.existingSecret (hasPrefix "http" $git.repo) -}}
{{- fail "source.gitSync.ssh has a key, but source.gitSync.repo is an https address, which uses none: give git@HOST:PATH, or use source.gitSync.token." -}}
{{- end -}}
{{- if and $git.token.existingSecret (not (hasPrefix "https://" $git.repo)) -}}
{{- fail "source.gitSync.token is sent over https alone, but source.gitSync.repo is no https:// address: change it, or use source.gitSync.ssh." -}}
{{- end -}}
{{- end -}}
{{- $ports := dict "port" .Values.port "probePort" .Values.probePort -}}
{{- if eq $source.type "gitSync" }}{{ $_ := set $ports "source.gitSync.port" $git.port }}{{ end -}}
{{- $taken := dict -}}
{{- range $name, $port := $ports -}}
{{- with get $taken (print (int $port)) -}}
{{- fail (printf "%s and %s are the same, and all containers share the pod's address: change one." . $name) -}}
{{- end -}}
{{- $_ := set $taken (print (int $port)) $name -}}
{{- end -}}
{{- if eq $source.type "configMap" -}}
{{- if and $source.configMap.name $source.configMap.files -}}
{{- fail "source.configMap has both name and files: name an existing ConfigMap, or give the files, not both." -}}
{{- end -}}
{{- if not (or $source.configMap.name $source.configMap.files) -}}
{{- fail "source.configMap is empty: name an existing ConfigMap in source.configMap.name, or give the manifests in source.configMap.files." -}}
{{- end -}}
{{- end -}}
{{- if and (eq $source.type "existingClaim") (not $source.existingClaim.name) -}}
{{- fail "source.existingClaim.name is empty: name the PersistentVolumeClaim with the manifests, or choose another source.type." -}}
{{- end -}}
{{- $identities := list -}}
{{- if .Values.aws.roleArn }}{{ $identities = append $identities "aws.roleArn" }}{{ end -}}
{{- if .Values.aws.podIdentity }}{{ $identities = append $identities "aws.podIdentity" }}{{ end -}}
{{- if .Values.aws.credentials.existingSecret }}{{ $identities = append $identities "aws.credentials.existingSecret" }}{{ end -}}
{{- if gt (len $identities) 1 -}}
{{- fail (printf "%s are set together, and the SDK would silently use one of them: keep one." (join " and " $identities)) -}}
{{- end -}}
{{- if and .Values.aws.credentials.existingSecret (not .Values.settings.region) (not .Values.extraEnv) -}}
{{- fail "static credentials bring no region: set settings.region." -}}
{{- end -}}
{{- if and .Values.settings.sim $identities -}}
{{- fail (printf "settings.sim needs no credentials, yet %s is set: leave it out, or turn settings.sim off." (first $identities)) -}}
{{- end -}}
{{- if and (gt (int .Values.replicaCount) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "replicaCount is more than 1, but leaderElection.enabled is false, and all would write: turn it on, or set replicaCount=1." -}}
{{- end -}}
{{- if and .Values.settings.sim .Values.leaderElection.enabled -}}
{{- fail "settings.sim gives each replica an ECS of its own, and there is nothing to elect: set leaderElection.enabled=false and replicaCount=1." -}}
{{- end -}}
{{- if and .Values.leaderElection.leaseName (not .Values.leaderElection.enabled) -}}
{{- fail "leaderElection.leaseName is set, but leaderElection.enabled is false: turn it on, or leave the name out." -}}
{{- end -}}
{{- if and .Values.settings.sim .Values.settings.endpointUrl -}}
{{- fail "settings.sim and settings.endpointUrl both say where requests go: keep one." -}}
{{- end -}}
{{- if and .Values.aws.roleArn (not .Values.serviceAccount.create) -}}
{{- fail "aws.roleArn annotates the ServiceAccount, but serviceAccount.create is false: annotate the existing one with eks.amazonaws.com/role-arn yourself and leave aws.roleArn out." -}}
{{- end -}}
{{- if and .Values.aws.roleArn (hasKey .Values.serviceAccount.annotations "eks.amazonaws.com/role-arn") -}}
{{- fail "the role is given twice, in aws.roleArn and in serviceAccount.annotations: keep aws.roleArn." -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor and podMonitor are both enabled, so that everything would be scraped twice: keep one." -}}
{{- end -}}
{{- $names := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}{{ range .rules }}{{ $names = append $names .alert }}{{ end }}{{ end -}}
{{- range concat .Values.prometheusRule.disabled (keys .Values.prometheusRule.overrides | sortAlpha) -}}
{{- if not (has . $names) -}}
{{- fail (printf "prometheusRule names an alert %q that is not there; there are: %s." . (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- range .Values.prometheusRule.disabled -}}
{{- if hasKey $.Values.prometheusRule.overrides . -}}
{{- fail (printf "prometheusRule both disables and overrides %s: keep one." .) -}}
{{- end -}}
{{- end -}}
{{- end }}
