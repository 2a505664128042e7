"""A few lines of code that run a `.tflite` file in an app, made from the file's own facts."""

from mmnet_deploy.snippets.facts import Facts as Facts
from mmnet_deploy.snippets.facts import facts_of as facts_of
from mmnet_deploy.snippets.text import LANGUAGES as LANGUAGES
from mmnet_deploy.snippets.text import require_language as require_language
from mmnet_deploy.snippets.text import snippet as snippet
