//! Ways out of the served folder, each of which is refused.

use std::os::unix::fs::symlink;

use super::*;

/// A served folder with a pipeline, beside a secret: `outside/secret.yaml`.
struct Served {
    whole: tempfile::TempDir,
}

impl Served {
    fn new() -> Self {
        let whole = tempfile::tempdir().unwrap();
        for folder in ["served/pipelines/deep", "served/.gristmill/runs", "outside/pipelines", "served-too"] {
            fs::create_dir_all(whole.path().join(folder)).unwrap();
        }
        for file in [
            "served/pipelines/load.yaml",
            "served/pipelines/deep/more.yaml",
            "served/.gristmill/runs/made.yaml",
            "outside/secret.yaml",
            "outside/pipelines/load.yaml",
            "served-too/load.yaml",
        ] {
            fs::write(whole.path().join(file), "name: p\n").unwrap();
        }
        Self { whole }
    }

    fn base(&self) -> PathBuf {
        self.whole.path().join("served")
    }

    fn link(&self, from: &str, to: impl AsRef<Path>) {
        symlink(to, self.base().join(from)).unwrap();
    }

    fn ask(&self, path: &str) -> Result<PathBuf, Refused> {
        names(path).and_then(|names| file(&self.base(), &names))
    }
}

#[test]
fn a_file_inside_is_found_however_plainly_it_is_written() {
    let served = Served::new();
    served.link("pipelines/alias.yaml", "load.yaml");
    served.link("pipelines/shallow", "deep");
    served.link("by_absolute.yaml", served.base().join("pipelines/load.yaml"));
    served.link("around.yaml", "../served/pipelines/load.yaml");
    let real = fs::canonicalize(served.base()).unwrap();
    for (path, found) in [
        ("pipelines/load.yaml", "pipelines/load.yaml"),
        ("./pipelines/./load.yaml", "pipelines/load.yaml"),
        ("pipelines/alias.yaml", "pipelines/load.yaml"),
        ("pipelines/shallow/more.yaml", "pipelines/deep/more.yaml"),
        ("by_absolute.yaml", "pipelines/load.yaml"),
        ("around.yaml", "pipelines/load.yaml"),
    ] {
        assert_eq!(served.ask(path), Ok(real.join(found)), "{path}");
    }
}

#[test]
fn no_spelling_leads_out() {
    let served = Served::new();
    let secret = served.whole.path().join("outside/secret.yaml").display().to_string();
    let inside = served.base().join("pipelines/load.yaml").display().to_string();
    let long = "a/".repeat(600) + "load.yaml";
    let deep = "a/".repeat(33) + "load.yaml";
    let wide = format!("{}.yaml", "a".repeat(251));
    let variants = [
        // Upwards.
        "..",
        "../outside/secret.yaml",
        "../served/pipelines/load.yaml",
        "../served-too/load.yaml",
        "pipelines/../../outside/secret.yaml",
        "pipelines/deep/../../../outside/secret.yaml",
        "pipelines/..",
        "./../outside/secret.yaml",
        "pipelines/./../../outside/secret.yaml",
        "pipelines//../../outside/secret.yaml",
        "../",
        // Absolute.
        secret.as_str(),
        inside.as_str(),
        "/etc/passwd",
        "//etc/passwd",
        "/",
        "/proc/self/environ",
        "/dev/stdin",
        // Of other systems.
        "C:/outside/secret.yaml",
        "C:secret.yaml",
        "c:\\outside\\secret.yaml",
        "\\\\server\\share\\secret.yaml",
        "//server/share/secret.yaml",
        "\\\\?\\C:\\secret.yaml",
        "..\\outside\\secret.yaml",
        "pipelines\\..\\..\\outside\\secret.yaml",
        "pipelines/..\\../outside/secret.yaml",
        // What a shell or a library would replace.
        "~",
        "~/secret.yaml",
        "~root/secret.yaml",
        "$HOME/secret.yaml",
        "${HOME}/secret.yaml",
        "${env:HOME}/secret.yaml",
        "%HOME%/secret.yaml",
        "`pwd`/secret.yaml",
        "file:///etc/passwd",
        "http://localhost/secret.yaml",
        // Encoded.
        "%2e%2e/outside/secret.yaml",
        "%2E%2E%2Foutside%2Fsecret.yaml",
        "..%2foutside%2fsecret.yaml",
        "..%5coutside%5csecret.yaml",
        "%252e%252e/outside/secret.yaml",
        "pipelines/load.yaml%00.txt",
        "..%c0%af..%c0%afoutside/secret.yaml",
        "\u{FF0E}\u{FF0E}/outside/secret.yaml",
        "..\u{2215}outside\u{2215}secret.yaml",
        "\u{2024}\u{2024}/outside/secret.yaml",
        // Unseen.
        "pipelines/load.yaml\0",
        "pipelines/load.yaml\0../../outside/secret.yaml",
        "\0",
        "pipelines/load.yaml\n",
        "pipelines/\u{202E}lmay.daol",
        "..\u{200B}/outside/secret.yaml",
        // Names at whose edge something is left out.
        "pipelines/load.yaml.",
        "pipelines/load.yaml ",
        " ../outside/secret.yaml",
        "pipelines/.. /../outside/secret.yaml",
        ".../outside/secret.yaml",
        "pipelines/.../load.yaml",
        // The server's own, folders, and nothing.
        ".gristmill/runs/made.yaml",
        "./.gristmill/runs/made.yaml",
        ".GristMill/runs/made.yaml",
        "pipelines",
        "pipelines/",
        ".",
        "./",
        "",
        " ",
        "pipelines//load.yaml",
        "pipelines/load.yaml/..",
        // Too much.
        long.as_str(),
        deep.as_str(),
        wide.as_str(),
    ];
    assert!(variants.len() >= 50, "{}", variants.len());
    for path in variants {
        let refused = served.ask(path).expect_err(path);
        assert!(!refused.why.is_empty(), "{path}");
        // What cannot be seen is not shown either.
        assert!(!refused.diagnostic(path).to_string().chars().any(is_unseen), "{path:?}");
    }
}

#[test]
fn no_link_leads_out() {
    let served = Served::new();
    let outside = served.whole.path().join("outside");
    served.link("secret.yaml", outside.join("secret.yaml"));
    served.link("up.yaml", "../outside/secret.yaml");
    served.link("elsewhere", &outside);
    served.link("pipelines/middle", "../../outside/pipelines");
    served.link("pipelines/deep/parent", "..");
    served.link("pipelines/deep/top", "../../..");
    served.link("first", "second");
    served.link("second", "elsewhere");
    served.link("root", "/");
    served.link("process.yaml", "/proc/self/environ");
    served.link("state.yaml", ".gristmill/runs/made.yaml");
    served.link("state", ".gristmill");
    served.link("self.yaml", "self.yaml");
    served.link("dangling.yaml", "nowhere.yaml");
    for path in [
        "secret.yaml",
        "up.yaml",
        "elsewhere/secret.yaml",
        "pipelines/middle/load.yaml",
        "pipelines/deep/top/outside/secret.yaml",
        "pipelines/deep/top/served-too/load.yaml",
        "first/secret.yaml",
        "root/etc/passwd",
        "process.yaml",
        "state.yaml",
        "state/runs/made.yaml",
    ] {
        assert_eq!(served.ask(path).expect_err(path).why, "a link leads out of the served folder", "{path}");
    }
    assert_eq!(served.ask("dangling.yaml").unwrap_err().why, "there is no such file");
    assert_eq!(served.ask("self.yaml").unwrap_err().why, "too many levels of symbolic links");
    // A link upwards that stays inside is no way out.
    assert!(served.ask("pipelines/deep/parent/load.yaml").is_ok());
}

#[test]
fn what_is_no_ordinary_file_is_not_opened() {
    let served = Served::new();
    let pipe = served.base().join("pipe.yaml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    assert_eq!(served.ask("pipe.yaml").unwrap_err().why, "it is no ordinary file");
    assert_eq!(served.ask("pipelines").unwrap_err().why, "it is a folder");
    assert_eq!(served.ask("pipelines/load.yaml/x.yaml").unwrap_err().why, "not a directory");
}

#[test]
fn a_missing_file_is_told_with_the_nearest() {
    let served = Served::new();
    assert_eq!(
        served.ask("pipelines/laod.yaml").unwrap_err().diagnostic("pipelines/laod.yaml").to_string(),
        "`pipelines/laod.yaml` cannot be taken: there is no such file (did you mean `pipelines/load.yaml`?)"
    );
    assert_eq!(
        served.ask("../x").unwrap_err().diagnostic("../x").to_string(),
        "`../x` cannot be taken: `..` leads upwards (write a path from the served folder down, with `/` between folders, such as \
         `pipelines/load.yaml`)"
    );
}

#[test]
fn a_served_folder_that_is_reached_through_a_link_is_as_good_as_another() {
    let served = Served::new();
    let alias = served.whole.path().join("alias");
    symlink(served.base(), &alias).unwrap();
    assert!(file(&alias, &["pipelines", "load.yaml"]).is_ok());
    assert!(file(&alias, &["..", "outside", "secret.yaml"]).is_err());
}
