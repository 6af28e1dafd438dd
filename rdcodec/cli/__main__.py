from rdcodec.cli import main

main()
