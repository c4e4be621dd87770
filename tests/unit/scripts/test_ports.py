"""Ports: six different free ones, and a clear word about a taken one."""

import socket
from dataclasses import astuple

import pytest

from serving.ports import PortError, free_ports, require_free


def test_free_ports_are_different_and_free():
    ports = astuple(free_ports())
    assert len(set(ports)) == len(ports)
    for port in ports:
        require_free("127.0.0.1", port)


def test_a_port_in_use_is_named_with_its_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=rf"port {port} of 127\.0\.0\.1: in use by another program"):
            require_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_no_place_to_listen():
    with pytest.raises(PortError, match=r"192\.0\.2\.1"):
        require_free("192.0.2.1", 8080)
