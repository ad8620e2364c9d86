"""What an upstream memory finds in the sandbox. The files of this folder are inlined into every imported design.

So they import only what a design may, one another, and no two of them define the same name.
"""
