# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packages from Debian releases other than the system's own, through an apt
# configuration that lives under build/ and leaves the system's alone.

APT=$BUILD/apt
# The system's own release
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

# The mirror is the one the system itself uses.
debian_mirror()
{
	local mirror

	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI)' \
		 'Identifier: Packages' "Release: $codename" | head -n 1)
	[[ -n $mirror ]] ||
		die "apt has no source for Debian ${codename:-(unknown)}: set KDIR to a kernel tree instead"
	echo "$mirror"
}

apt_options=(
	-o Dir::Etc::SourceList="$APT/sources.list"
	-o Dir::Etc::SourceParts=/dev/null
	-o Dir::Etc::PreferencesParts=/dev/null
	-o Dir::State::Lists="$APT/lists"
	-o Dir::State::status="$APT/status"
	-o Dir::Cache="$APT/cache"
	-o APT::Architectures::="$debian_arch"
	-o APT::Sandbox::User=root
)

# newest_version PACKAGE SUITE: a release candidate or a backport is as good as any.
# Whatever the priority of its suite, the newest version counts, of all suites or of
# one.
newest_version()
{
	local version newest=

	while read -r version; do
		[[ -z $newest ]] || dpkg --compare-versions "$version" gt "$newest" ||
			continue
		newest=$version
	done < <(apt-cache "${apt_options[@]}" madison "$1" |
		 awk -F ' *[|] *' -v suite="$2" \
			'!/Sources/ && (suite == "" || $3 ~ " " suite "/") { print $2 }')
	echo "$newest"
}

# Scripts that run side by side take turns, until they close the lock's file.
update_lists()
{
	local mirror suite key=/usr/share/keyrings/debian-archive-keyring.gpg

	need apt-get dpkg-deb
	mirror=$(debian_mirror)
	mkdir -p "$APT"/{lists,cache/archives}/partial "$APT/download"
	exec 8> "$APT/lock"
	flock 8
	touch "$APT/status"
	for suite in "$codename-backports" stable stable-backports unstable experimental; do
		echo "deb [arch=amd64,$debian_arch signed-by=$key] $mirror $suite main"
	done > "$APT/sources.list"
	echo "deb-src [signed-by=$key] $mirror unstable main" >> "$APT/sources.list"
	apt-get -q "${apt_options[@]}" update > "$APT/update.log" 2>&1 ||
		die "cannot update the package lists: $(tail -n 1 "$APT/update.log")"
}

# fetch_package NAME[:ARCH] DIR [SUITE]: download the newest NAME that Debian, or its
# SUITE, has, and unpack it below DIR.
fetch_package()
{
	local package=$1 dir=$2 suite=${3-} version

	update_lists
	version=$(newest_version "$package" "$suite")
	[[ -n $version ]] ||
		die "Debian no longer has $package${suite:+ in $suite}: choose another base, or set KDIR to a kernel tree"
	say "downloading $package $version"
	(cd "$APT/download" && rm -f -- *.deb &&
	 apt-get -q "${apt_options[@]}" download "$package=$version" > ../download.log 2>&1) ||
		die "cannot download $package: $(tail -n 1 "$APT/download.log")"
	mkdir -p "$dir"
	dpkg-deb -x "$APT"/download/*.deb "$dir"
	rm -f "$APT"/download/*.deb
	exec 8>&-
}

# fetch_with_dependencies DIR NAME...: download what Debian's stable release has of them
# and of all that they depend on, and unpack the programs and libraries below DIR.
fetch_with_dependencies()
{
	local dir=$1 package

	shift
	update_lists
	say "downloading $*, and what they depend on"
	rm -f "$APT"/cache/archives/*.deb
	apt-get -q "${apt_options[@]}" -o APT::Architecture="$debian_arch" \
		-o APT::Default-Release=stable -y --no-install-recommends --download-only \
		install "$@" > "$APT/download.log" 2>&1 ||
		die "cannot download $*: $(tail -n 1 "$APT/download.log")"
	mkdir -p "$dir"
	for package in "$APT"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$dir" \
			--exclude=./usr/share --exclude=./etc --exclude=./var
	done
	rm -f "$APT"/cache/archives/*.deb
	exec 8>&-
}

# fetch_source NAME DIR: the upstream source of Debian's newest NAME.
fetch_source()
{
	local package=$1 dir=$2

	update_lists
	say "downloading the source of $package"
	(cd "$APT/download" && rm -f -- *.tar.* *.dsc &&
	 apt-get -q "${apt_options[@]}" source --download-only "$package" > ../download.log 2>&1) ||
		die "cannot download the source of $package: $(tail -n 1 "$APT/download.log")"
	mkdir -p "$dir"
	tar -xf "$APT"/download/*.orig.tar.* --strip-components=1 -C "$dir"
	rm -f "$APT"/download/*.tar.* "$APT"/download/*.dsc
	exec 8>&-
}
