"""Networks of the methods that CiVOS and SIAF compare with."""
