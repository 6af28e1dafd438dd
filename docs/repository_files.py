"""MkDocs' hook: pages, and what they link to, lie in the site as in the repository, so that a link is the same in both."""

from pathlib import Path

from mkdocs.structure.files import File, Files

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/*.md", "pretrained/README.md", "docs/**/*.md"]
LINKED = ["docs/**/*.png", "docs/**/*.svg", "docs/**/*.json", "examples/**/*.*", "examples/**/Dockerfile", "notebooks/*.ipynb"]


def on_files(files, config):
    root = Path(config.config_file_path).parent
    kept = [file for file in files if file.src_dir != config.docs_dir]  # the theme's
    paths = sorted({path.relative_to(root).as_posix() for pattern in PAGES + LINKED for path in root.glob(pattern)})
    return Files(kept + [File(path, str(root), config.site_dir, config.use_directory_urls) for path in paths])
