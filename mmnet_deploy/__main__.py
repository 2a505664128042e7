"""`python -m mmnet_deploy` is `mmnet-deploy`."""

from mmnet_deploy.cli import main

main()
