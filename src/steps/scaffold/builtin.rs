//! The templates that are built in. They lie in `templates/`, as anybody's template would; `common` is part of each.

use crate::words::folder_template::FolderFile;

/// Their names.
pub const NAMES: [&str; 3] = ["helm", "kustomize", "ckan"];

/// Returns the files of one; none for another name.
pub fn files(name: &str) -> Vec<FolderFile<String>> {
    let own = match name {
        "helm" => HELM,
        "kustomize" => KUSTOMIZE,
        "ckan" => CKAN,
        _ => return Vec::new(),
    };
    let file = |(path, bytes): &(&str, &[u8])| FolderFile {
        path: (*path).to_owned(),
        bytes: bytes.to_vec(),
        executable: false,
    };
    own.iter().chain(COMMON).map(file).collect()
}

type Files = &'static [(&'static str, &'static [u8])];

/// Lists files of a folder of `templates`, each with what it holds.
macro_rules! files {
    ($folder:literal: $($path:literal)*) => {
        &[$(($path, include_bytes!(concat!("templates/", $folder, "/", $path)))),*]
    };
}

#[rustfmt::skip]
const COMMON: Files = files!("common":
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(repos=one)/5-deploy.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(repos=two)/2-needs.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(repos=two)/5-deploy.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=many)/(kind!=stock)/4-2-{service}.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=many)/(kind!=stock)/4-4-{service}.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=many)/4-1-test.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=many)/4-3-test.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=many)/4-5-build.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=one)/4-jobs.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/(services=one)/6-digest.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/1-head.yml"
    "app/(services!=none)/(forge=github)/.github/workflows/ci.yml+/3-when.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(repos=one)/2-deploy.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(repos=two)/2-deploy.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=many)/(kind!=stock)/6-2-{service}.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=many)/(kind!=stock)/6-4-{service}.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=many)/6-1-test.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=many)/6-3-test.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=many)/6-5-build.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=one)/4-image.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/(services=one)/6-jobs.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/1-head.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/3-what.yml"
    "app/(services!=none)/(forge=gitlab)/.gitlab-ci.yml+/5-when.yml"
    "app/README.md"
    "app/{folder}/(kind=custom)/(base!=)/Dockerfile"
    "app/{folder}/(kind=custom)/(base=)/Dockerfile"
    "app/{folder}/(kind=own)/Dockerfile"
    "app/{folder}/(kind=own)/code/health"
    "app/{folder}/(kind=own)/code/index.html"
    "setup/(repos=two)/(forge=github)/.github/workflows/config-deploy.yml"
    "setup/(repos=two)/(forge=github)/.github/workflows/(envs=many)/promote.yml"
    "setup/(repos=two)/(forge=github)/.github/workflows/rollback.yml"
    "setup/(repos=two)/(forge=gitlab)/.gitlab-ci.yml+/(envs=many)/2-spec.yml"
    "setup/(repos=two)/(forge=gitlab)/.gitlab-ci.yml+/(envs=many)/4-promote.yml"
    "setup/(repos=two)/(forge=gitlab)/.gitlab-ci.yml+/1-head.yml"
    "setup/(repos=two)/(forge=gitlab)/.gitlab-ci.yml+/3-deploy.yml"
    "setup/(repos=two)/README.md"
);

#[rustfmt::skip]
const HELM: Files = files!("helm":
    "argocd/(argocd=app-of-apps)/argocd/apps-{env}.yaml"
    "argocd/argocd/{env}/{app}.yaml+/(auto_deploy=on)/2-automated.yaml"
    "argocd/argocd/{env}/{app}.yaml+/1-application.yaml"
    "argocd/argocd/{env}/{app}.yaml+/3-options.yaml"
    "config/{app}/.scaffold.yaml"
    "config/{app}/Chart.yaml"
    "config/{app}/templates/_helpers.tpl"
    "config/{app}/templates/deployment.yaml"
    "config/{app}/templates/ingress.yaml"
    "config/{app}/templates/service.yaml"
    "config/{app}/values-{env}.yaml+/(host!=)/(certificate_arn!=)/3-alb.yaml"
    "config/{app}/values-{env}.yaml+/(host!=)/2-ingress.yaml"
    "config/{app}/values-{env}.yaml+/1-image.yaml"
    "config/{app}/values.yaml"
    "template.yaml"
);

#[rustfmt::skip]
const KUSTOMIZE: Files = files!("kustomize":
    "argocd/(argocd=app-of-apps)/apps-{env}.yaml"
    "argocd/{env}/{app}.yaml+/(auto_deploy=on)/2-automated.yaml"
    "argocd/{env}/{app}.yaml+/1-application.yaml"
    "argocd/{env}/{app}.yaml+/3-options.yaml"
    "config/{app}/.scaffold.yaml"
    "config/{app}/base/kustomization.yaml"
    "config/{app}/base/service.yaml"
    "config/{app}/overlays/{env}/(host!=)/(certificate_arn!=)/ingress.yaml"
    "config/{app}/overlays/{env}/(host!=)/(certificate_arn=)/ingress.yaml"
    "config/{app}/overlays/{env}/deployment.yaml"
    "config/{app}/overlays/{env}/kustomization.yaml+/(host!=)/2-ingress.yaml"
    "config/{app}/overlays/{env}/kustomization.yaml+/1-resources.yaml"
    "template.yaml"
);

#[rustfmt::skip]
const CKAN: Files = files!("ckan":
    "app/CREATE_CKAN_K8S_APP_VERSION"
    "argocd/(argocd=app-of-apps)/argocd/apps-{env}.yaml"
    "argocd/argocd/{env}/{app}.yaml+/(auto_deploy=on)/2-automated.yaml"
    "argocd/argocd/{env}/{app}.yaml+/1-application.yaml"
    "argocd/argocd/{env}/{app}.yaml+/3-options.yaml"
    "config/helm/Chart.yaml"
    "config/helm/templates/_helpers.tpl"
    "config/helm/templates/deployments.yaml"
    "config/helm/templates/ingress.yaml"
    "config/helm/templates/services.yaml"
    "config/helm/values.yaml"
    "config/helm/values/{env}.yaml+/(host!=)/(certificate_arn!=)/4-alb.yaml"
    "config/helm/values/{env}.yaml+/(host!=)/3-ingress.yaml"
    "config/helm/values/{env}.yaml+/(kind=custom)/(base!=)/2-{service}.yaml"
    "config/helm/values/{env}.yaml+/(kind=custom)/(base=)/2-{service}.yaml"
    "config/helm/values/{env}.yaml+/(kind=own)/2-{service}.yaml"
    "config/helm/values/{env}.yaml+/(kind=stock)/2-{service}.yaml"
    "config/helm/values/{env}.yaml+/1-head.yaml"
    "template.yaml"
);

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "looks at the folder that the lists are of"
)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_templates_is_built_in() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/steps/scaffold/templates");
        for (name, listed) in [
            ("common", COMMON),
            ("helm", HELM),
            ("kustomize", KUSTOMIZE),
            ("ckan", CKAN),
        ] {
            let mut found = Vec::new();
            let mut ahead = vec![root.join(name)];
            while let Some(folder) = ahead.pop() {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        ahead.push(path);
                    } else {
                        let path = path.strip_prefix(root.join(name)).unwrap();
                        found.push(path.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/"));
                    }
                }
            }
            found.sort();
            let mut listed: Vec<&str> = listed.iter().map(|(path, _)| *path).collect();
            listed.sort_unstable();
            assert_eq!(found, listed, "{name}");
        }
    }
}
