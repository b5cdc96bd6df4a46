# The modules of this repository, for scripts that source this file at its root.

# modules prints the folders of all modules, those outside the workspace included: they need software that nobody else
# should download.
modules() { find . -name node_modules -prune -o -name go.mod -printf '%P\n' | xargs -n 1 dirname | sort; }

# in_workspace prints the folders of the modules that are released: those of go.work, the root first.
in_workspace() { sed -n '/^use (/,/^)/s/^\t//p' go.work; }

# alone FOLDER goes to a module and takes it out of the workspace: what follows builds it with the versions that its own
# go.mod names. Only for a subshell. A module requires others of this repository by the version that is released next and
# may not exist yet. So what follows reads a copy of its go.mod, in which this tree stands for that version. The copy lies in
# the folder that scratch names.
alone() {
  local copy=$scratch/alone/$1 module ours
  ours=$(required "$1/go.mod")
  if [ -n "$ours" ] && ! grep -q "=> \.\./" "$1/go.mod" && [ ! -e "$copy/go.mod" ]; then
    mkdir -p "$copy"
    cp "$1/go.sum" "$copy"
    cp "$1/go.mod" "$copy/new"
    for module in $ours; do
      go mod edit -replace "$module=$PWD${module#"$project"}" "$copy/new"
    done
    mv "$copy/new" "$copy/go.mod"
  fi
  cd "$1"
  export GOWORK=off
  [ ! -e "$copy/go.mod" ] || GOFLAGS="$(go env GOFLAGS) -modfile=$copy/go.mod"
  export GOFLAGS
}

# beside FOLDER goes to a module and leaves it in the workspace where it is in that; else it is alone. It is for tools that run the go
# command outside of modules, too, where that takes no -modfile. Only for a subshell.
beside() {
  if in_workspace | grep -qx "\(\./\)\?$1"; then cd "$1"; else alone "$1"; fi
}

project=github.com/fullcast/sfauth

# required prints the modules of this repository that a go.mod requires.
required() { sed -nE "s|^(require)?\s+($project\S*) v.*|\2|p" "$1"; }
