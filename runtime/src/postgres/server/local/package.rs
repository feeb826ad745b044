//! How the server is installed on this system.

use std::fs;

/// The command that installs the server on this system.
pub(super) fn package() -> &'static str {
    if cfg!(target_os = "macos") {
        return "`brew install postgresql@18`";
    }
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    package_of(&system)
}

/// The command for a system that describes itself as `/etc/os-release` does.
fn package_of(system: &str) -> &'static str {
    let words = system
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace());
    for word in words {
        match word {
            "debian" | "ubuntu" => return "`apt-get install postgresql`",
            "fedora" | "rhel" | "centos" => return "`dnf install postgresql-server`",
            "alpine" => return "`apk add postgresql`",
            "arch" => return "`pacman -S postgresql`",
            "suse" | "opensuse" => return "`zypper install postgresql-server`",
            "nixos" => return "`nix-shell -p postgresql`",
            _ => {}
        }
    }
    "`apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora, RHEL), \
     `apk add postgresql` (Alpine), `pacman -S postgresql` (Arch)"
}

#[cfg(test)]
mod tests {
    use super::package_of;

    #[test]
    fn a_system_is_known_by_what_it_is_like() {
        let mint = package_of("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n");
        assert_eq!(mint, "`apt-get install postgresql`");
        assert!(package_of("ID=plan9").contains("`apk add postgresql` (Alpine)"));
    }
}
